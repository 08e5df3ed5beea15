extension ByteSource {
    /// How many parts of its film an mp4 file shows one after another: the entries of the edit list of its pictures that show
    /// something. ISO 14496-12 §8.6.6.
    ///
    /// - Returns: the most of its tracks of pictures; 1 where no list is found.
    package func shownParts() throws -> Int {
        guard let movie = try boxes(in: 0..<count).first(where: { $0.type == "moov" }) else { return 1 }
        return try boxes(in: movie.content).filter { $0.type == "trak" }.map { try shownParts(of: $0) }.max() ?? 1
    }

    private func shownParts(of track: Box) throws -> Int {
        let parts = try boxes(in: track.content)
        guard let media = parts.first(where: { $0.type == "mdia" }),
            let handler = try boxes(in: media.content).first(where: { $0.type == "hdlr" }),
            try bytes(12, at: handler.content.lowerBound, in: handler).dropFirst(8) == Array("vide".utf8)[...],
            let edits = parts.first(where: { $0.type == "edts" }),
            let list = try boxes(in: edits.content).first(where: { $0.type == "elst" })
        else { return 1 }
        let head = try bytes(8, at: list.content.lowerBound, in: list)
        guard head.count == 8 else { return 1 }
        // Version, flags, number of entries; then duration, media time and rate of each.
        let size = head[0] == 1 ? 20 : 12
        let listed = head[4..<8].reduce(0) { $0 << 8 | Int($1) }
        let count = min(listed, (list.content.count - 8) / size, Self.mostEdits)
        let entries = try bytes(count * size, at: list.content.lowerBound + 8, in: list)
        return (0..<entries.count / size).count { place in
            let time = entries[place * size + size / 2 - 2..<place * size + size - 4]
            // All bits set, -1, stands for a time without pictures.
            return !time.allSatisfy { $0 == 255 }
        }
    }

    private static var mostEdits: Int { 4096 }

    /// The boxes that lie in a range, as far as they are whole.
    private func boxes(in range: Range<Int>) throws -> [Box] {
        var boxes: [Box] = []
        var offset = range.lowerBound
        while offset < range.upperBound, boxes.count < 256, let box = try box(at: offset, in: range.upperBound) {
            boxes.append(box)
            offset = box.range.upperBound
        }
        return boxes
    }

    /// Bytes of a box's content; fewer where it ends.
    private func bytes(_ count: Int, at offset: Int, in box: Box) throws -> ArraySlice<UInt8> {
        let end = min(offset + count, box.content.upperBound)
        guard offset < end else { return [] }
        try require(offset..<end)
        var bytes = [UInt8](repeating: 0, count: end - offset)
        try bytes.withUnsafeMutableBytes { try read($0, at: offset) }
        return bytes[...]
    }
}

extension Box {
    fileprivate var content: Range<Int> { range.lowerBound + head..<range.upperBound }
}
