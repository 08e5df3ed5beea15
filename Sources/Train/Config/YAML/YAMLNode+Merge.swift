extension YAMLNode {
    /// This document with a later one laid over it, as LightningCLI layers `--config` files and `--a.b c` options.
    ///
    /// Mappings merge key by key and everything else is replaced, with two rules for class objects: another
    /// `class_path` drops the arguments of the class before it, and arguments laid over a bare class name belong to
    /// that class.
    package func overlaid(with over: YAMLNode) -> YAMLNode {
        guard case .mapping(let upper) = over.content else { return over }
        switch content {
        case .mapping(let lower):
            if let newClass = over["class_path"], let oldClass = self["class_path"], newClass.value != oldClass.value {
                return over
            }
            var merged = lower
            var positions = [String: Int](uniqueKeysWithValues: lower.enumerated().map { ($1.key, $0) })
            for entry in upper {
                if let position = positions[entry.key] {
                    merged[position].value = merged[position].value.overlaid(with: entry.value)
                    merged[position].keyLocation = entry.keyLocation
                } else {
                    positions[entry.key] = merged.count
                    merged.append(entry)
                }
            }
            return YAMLNode(.mapping(merged), at: over.location)
        case .sequence(let items):
            // `--trainer.logger.save_dir x` speaks of the last logger in the list.
            guard let last = items.last else { return over }
            return YAMLNode(.sequence(items.dropLast() + [last.overlaid(with: over)]), at: location)
        case .scalar:
            guard !isNull, over["class_path"] == nil else { return over }
            let className = Entry(key: "class_path", keyLocation: location, value: self)
            return YAMLNode(.mapping([className] + upper), at: over.location)
        }
    }

    /// This document with `items` appended to the list at `path`: what `--key+=value` asks for.
    ///
    /// A single value counts as a list of one, null as an empty one.
    package func appending(_ items: YAMLNode, at path: ArraySlice<String>, keyLocation: ConfigLocation) -> YAMLNode {
        guard let key = path.first else {
            var list: [YAMLNode]
            if case .sequence(let present) = content { list = present } else { list = isNull ? [] : [self] }
            if case .sequence(let more) = items.content { list += more } else { list.append(items) }
            return YAMLNode(.sequence(list), at: items.location)
        }
        var entries: [Entry] = []
        if case .mapping(let present) = content { entries = present }
        let position = entries.firstIndex { $0.key == key }
        let empty = YAMLNode(.scalar("", isPlain: true), at: keyLocation)
        let child = (position.map { entries[$0].value } ?? empty)
            .appending(items, at: path.dropFirst(), keyLocation: keyLocation)
        if let position {
            entries[position].value = child
        } else {
            entries.append(Entry(key: key, keyLocation: keyLocation, value: child))
        }
        return YAMLNode(.mapping(entries), at: location)
    }
}
