/// Files of LaWAM's own training program, whose keys partly mean what others mean here: they are moved there before the schema
/// reads the document, with the places where they were written.
///
/// A file is LaWAM's if it has a key that nobody else has. What was written under a key of this program's stays.
struct LawamFile {
    private var model: [YAMLNode.Entry]
    private var data: [YAMLNode.Entry]

    private static let marks = ["vision_model_id", "vq_type", "vq_kwargs", "exclude_bias_norm_from_wd"]
    /// Of bottlenecks' options.
    private static let bottleneckKeys = [
        "use_cosine_sim": "cosine", "ema_decay": "decay", "orthogonal_loss_weight": "orthogonal_weight",
        "use_soft_assignment": "soft_assignment", "temperature_decay_steps": "temperature_steps",
    ]
    private static let bottleneckNames = ["beta_vae": "vae", "ema_vq": "ema"]

    /// The document with LaWAM's keys as this program's; any other as it is.
    static func translated(_ document: YAMLNode) -> YAMLNode {
        guard case .mapping(let sections) = document.content,
            case .mapping(let model)? = document["model"]?.content,
            model.contains(where: { marks.contains($0.key) })
        else { return document }
        var data: [YAMLNode.Entry] = []
        if case .mapping(let entries)? = document["data"]?.content { data = entries }
        var file = LawamFile(model: model, data: data)
        file.translate()
        var result: [YAMLNode.Entry] = []
        for section in sections where section.key != "data" {
            var section = section
            if section.key == "model" {
                section.value = YAMLNode(.mapping(file.model), at: section.value.location)
            }
            result.append(section)
        }
        if !file.data.isEmpty {
            let old = sections.first { $0.key == "data" }
            let location = old?.value.location ?? document.location
            result.append(
                YAMLNode.Entry(
                    key: "data", keyLocation: old?.keyLocation ?? location,
                    value: YAMLNode(.mapping(file.data), at: location)))
        }
        return YAMLNode(.mapping(result), at: document.location)
    }

    private mutating func translate() {
        let location = model.first?.keyLocation ?? .schemaDefault
        Self.add(&model, "family", YAMLNode(.scalar("lawam", isPlain: true), at: location))
        translateVision()
        translateBottleneck()
        for key in ["image_aug", "dual_view_aug"] {
            if let value = Self.take(&model, key) { Self.add(&data, key, value) }
        }
        for sides in [Self.take(&model, "image_hw"), Self.take(&data, "image_hw")].compactMap({ $0 }) {
            // Frames are square here; other sides are no value of that option, which says so.
            guard case .sequence(let items) = sides.content, items.count == 2, items[0].value == items[1].value else {
                Self.add(&data, "resolution", sides)
                continue
            }
            Self.add(&data, "resolution", items[0])
        }
        // What `image_aug` means in such a file.
        Self.add(&data, "crop", YAMLNode(.scalar("lawam", isPlain: true), at: location))
        if let steps = Self.take(&model, "warmup_steps") {
            Self.add(&model, "lr_scheduler", Self.mapping([("warmup_steps", steps)]))
        }
        if let excludes = Self.take(&model, "exclude_bias_norm_from_wd"), excludes.value == .bool(true) {
            let kinds = ["bias", "norm"].map { YAMLNode(.scalar($0, isPlain: true), at: excludes.location) }
            let own = Self.mapping([
                ("init_args", Self.mapping([("no_decay", YAMLNode(.sequence(kinds), at: excludes.location))]))
            ])
            if let place = model.firstIndex(where: { $0.key == "optimizer" }) {
                model[place].value = own.overlaid(with: model[place].value)
            } else {
                Self.add(&model, "optimizer", own)
            }
        }
    }

    /// `vision_model_id: facebook/dinov3-vitb16-pretrain-lvd1689m`; other networks keep the key, which is then refused.
    private mutating func translateVision() {
        guard let place = model.firstIndex(where: { $0.key == "vision_model_id" }),
            case .scalar(let name, _) = model[place].value.content,
            let choice = VisionEncoderChoice.allCases.first(where: {
                $0.network == .dinov3 && name.contains("\($0.rawValue)-pretrain")
            })
        else { return }
        let location = model.remove(at: place).value.location
        Self.add(&model, "vision_encoder", YAMLNode(.scalar(choice.rawValue, isPlain: true), at: location))
    }

    private mutating func translateBottleneck() {
        let type = Self.take(&model, "vq_type")
        let arguments = Self.take(&model, "vq_kwargs")
        guard !model.contains(where: { $0.key == "bottleneck" }) else { return }
        var name = type ?? YAMLNode(.scalar("nsvq", isPlain: true), at: arguments?.location ?? .schemaDefault)
        if case .scalar(let text, let isPlain) = name.content, let own = Self.bottleneckNames[text] {
            name.content = .scalar(own, isPlain: isPlain)
        }
        guard type != nil || arguments != nil else { return }
        var options: [YAMLNode.Entry] = []
        if case .mapping(let entries)? = arguments?.content { options = entries }
        let weighsCommitment = ["vq", "ema"].contains { name.value == .string($0) }
        if weighsCommitment, let beta = Self.take(&options, "beta") { Self.add(&model, "vq_beta", beta) }
        for place in options.indices {
            options[place].key = Self.bottleneckKeys[options[place].key] ?? options[place].key
        }
        let object: [(String, YAMLNode)] = [
            ("class_path", name), ("init_args", YAMLNode(.mapping(options), at: arguments?.location ?? name.location)),
        ]
        Self.add(&model, "bottleneck", Self.mapping(object))
    }

    private static func take(_ entries: inout [YAMLNode.Entry], _ key: String) -> YAMLNode? {
        entries.firstIndex { $0.key == key }.map { entries.remove(at: $0).value }
    }

    /// Adds an option that is not there.
    private static func add(_ entries: inout [YAMLNode.Entry], _ key: String, _ value: YAMLNode) {
        guard !entries.contains(where: { $0.key == key }) else { return }
        entries.append(YAMLNode.Entry(key: key, keyLocation: value.location, value: value))
    }

    private static func mapping(_ entries: [(String, YAMLNode)]) -> YAMLNode {
        YAMLNode(
            .mapping(entries.map { YAMLNode.Entry(key: $0, keyLocation: $1.location, value: $1) }),
            at: entries.first?.1.location ?? .schemaDefault)
    }
}
