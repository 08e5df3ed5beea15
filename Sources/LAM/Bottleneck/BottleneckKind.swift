import NN

/// A kind of bottleneck, by the name that configuration files give it.
public struct BottleneckKind: Sendable {
    public let name: String
    /// What it does, for the documentation.
    public let summary: String
    /// What only it has.
    public let options: [BottleneckOption]
    /// Whether its codes are rows of a codebook, which stage 2 can keep.
    public let hasCodebook: Bool
    /// Whether its latents are codes.
    public let hasCodes: Bool
    /// Width of a latent, where the model's is another.
    let latentWidth: @Sendable (_ choice: BottleneckChoice, _ modelWidth: Int) -> Int
    let make: @Sendable (_ site: BottleneckSite, _ choice: BottleneckChoice) -> any LatentBottleneck

    /// - Parameters:
    ///   - latentWidth: width of a latent for the model's; nil where it is that.
    ///   - make: declares a bottleneck's parameters where the site says.
    public init(
        _ name: String, _ summary: String, options: [BottleneckOption] = [], hasCodes: Bool = false,
        hasCodebook: Bool = false,
        latentWidth: @escaping @Sendable (_ choice: BottleneckChoice, _ modelWidth: Int) -> Int = { $1 },
        make: @escaping @Sendable (_ site: BottleneckSite, _ choice: BottleneckChoice) -> any LatentBottleneck
    ) {
        (self.name, self.summary, self.options) = (name, summary, options)
        (self.hasCodes, self.hasCodebook) = (hasCodes, hasCodebook)
        (self.latentWidth, self.make) = (latentWidth, make)
    }

    /// All that there are; the first is the default.
    public static let all = [vectorQuantizer, noiseSubstitution, movingAverage, scalarQuantizer, gaussian, open]

    /// The kind of that name.
    public static func named(_ name: String) -> BottleneckKind? { all.first { $0.name == name } }
}

extension BottleneckKind: Equatable {
    public static func == (a: BottleneckKind, b: BottleneckKind) -> Bool { a.name == b.name }
}

/// A kind of bottleneck with values of its options.
public struct BottleneckChoice: Sendable, Equatable {
    public let kind: BottleneckKind
    private var values: [String: BottleneckOption.Value] = [:]

    /// With the defaults of the kind's options.
    public init(_ kind: BottleneckKind = BottleneckKind.all[0]) { self.kind = kind }

    /// The value of one of the kind's options.
    public subscript(option: String) -> BottleneckOption.Value {
        get { values[option] ?? declared(option).initial }
        set {
            let declared = declared(option)
            precondition(declared.allows(newValue), "\(newValue) for \(option) of \(kind.name)")
            values[option] = newValue
        }
    }

    private func declared(_ option: String) -> BottleneckOption {
        guard let declared = kind.options.first(where: { $0.name == option }) else {
            preconditionFailure("\(kind.name) has no option \(option)")
        }
        return declared
    }

    func number(_ option: String) -> Float {
        if case .number(let value) = self[option] { Float(value) } else { 0 }
    }
    func flag(_ option: String) -> Bool { self[option] == .flag(true) }
    func integers(_ option: String) -> [Int] {
        if case .integers(let values) = self[option] { values } else { [] }
    }
    func choice(_ option: String) -> String {
        if case .choice(let name) = self[option] { name } else { "" }
    }

    /// Width of a latent in a model whose latents are `modelWidth` wide where nothing else says so.
    public func latentWidth(modelWidth: Int) -> Int { kind.latentWidth(self, modelWidth) }

    /// Declares the bottleneck's parameters.
    public func make(_ site: BottleneckSite) -> any LatentBottleneck { kind.make(site, self) }

    public static func == (a: BottleneckChoice, b: BottleneckChoice) -> Bool {
        a.kind == b.kind && a.kind.options.allSatisfy { a[$0.name] == b[$0.name] }
    }
}

/// Where a bottleneck stands in a model.
public struct BottleneckSite {
    /// Names its parameters.
    public let scope: ParameterScope
    /// Width of the latents that the encoder gives.
    public let latentWidth: Int
    /// Rows of a codebook.
    public let codes: Int
    /// Weight of the loss that draws the encoder's latents to their codes.
    public let commitmentWeight: Float
    public let counting: CodeUsage
    /// Name of the codebook within the scope.
    public let codebookName: String
    /// Whether the latents of a pair become one, as LaWAM's decoder takes it from a VAE.
    public let mergesLatents: Bool

    public init(
        _ scope: ParameterScope, latentWidth: Int, codes: Int, commitmentWeight: Float = 0.25,
        counting: CodeUsage = .occurrence, codebookName: String = "codebook.weight", mergesLatents: Bool = false
    ) {
        (self.scope, self.latentWidth, self.codes) = (scope, latentWidth, codes)
        (self.commitmentWeight, self.counting) = (commitmentWeight, counting)
        (self.codebookName, self.mergesLatents) = (codebookName, mergesLatents)
    }
}
