import Formats
import OrderedCollections

/// The state of `torch.optim.AdamW` as its `state_dict()` has it: moments by parameter index and the parameter groups.
///
/// Indices count all parameters in registration order. A frozen parameter is listed in its group's `params` and has no
/// moments.
public struct AdamWState: Sendable {
    /// What AdamW keeps for one parameter.
    public struct Moments: Sendable {
        /// Updates made so far; torch keeps it as an f32 scalar tensor.
        public var step: Int
        public var expAvg: StoredTensor
        public var expAvgSq: StoredTensor
        /// Only with `amsgrad`.
        public var maxExpAvgSq: StoredTensor?

        public init(step: Int, expAvg: StoredTensor, expAvgSq: StoredTensor, maxExpAvgSq: StoredTensor? = nil) {
            self.step = step
            self.expAvg = expAvg
            self.expAvgSq = expAvgSq
            self.maxExpAvgSq = maxExpAvgSq
        }
    }

    /// Parameters that share their settings; the defaults are torch's.
    public struct Group: Sendable {
        public var lr: Double
        public var betas: (Double, Double) = (0.9, 0.999)
        public var eps = 1e-8
        public var weightDecay = 0.01
        public var amsgrad = false
        public var maximize = false
        public var foreach: Bool?
        public var capturable = false
        public var differentiable = false
        public var fused: Bool?
        /// The rate that a schedule multiplies; absent without a schedule.
        public var initialLR: Double?
        public var params: [Int]

        public init(lr: Double, params: [Int]) {
            self.lr = lr
            self.params = params
        }
    }

    public var moments: OrderedDictionary<Int, Moments>
    public var groups: [Group]

    public init(moments: OrderedDictionary<Int, Moments>, groups: [Group]) {
        self.moments = moments
        self.groups = groups
    }
}

extension AdamWState {
    init(_ reader: CheckpointReader) throws(CheckpointError) {
        moments = [:]
        for (key, state) in try reader("state").entries() {
            guard case .int(let index) = key, index >= 0 else {
                throw try reader("state").fault("parameter indices as keys")
            }
            moments[index] = try Moments(state)
        }
        groups = []
        for group in try reader("param_groups").elements() { groups.append(try Group(group)) }
    }

    var pickle: PickleValue {
        var state = PickleDict()
        for (index, moments) in moments { state[.int(index)] = moments.pickle }
        return ["state": .dict(state), "param_groups": .list(groups.map(\.pickle))]
    }
}

extension AdamWState.Moments {
    init(_ reader: CheckpointReader) throws(CheckpointError) {
        let stepReader = try reader("step")
        // Torch before 1.12 keeps a plain integer.
        if stepReader.value.int != nil {
            step = try stepReader.count()
        } else {
            let values = try stepReader.tensor()
            guard values.count == 1, let count = Int(exactly: values.floats()[0]) else {
                throw stepReader.fault("a whole number")
            }
            step = count
        }
        expAvg = try reader("exp_avg").tensor()
        expAvgSq = try reader("exp_avg_sq").tensor()
        maxExpAvgSq = try reader.optional("max_exp_avg_sq")?.tensor()
        for (name, other) in [("exp_avg_sq", expAvgSq), ("max_exp_avg_sq", maxExpAvgSq ?? expAvg)]
        where other.shape != expAvg.shape {
            throw .shape(path: reader.path, tensor: "\(reader.key).\(name)", expected: expAvg.shape, got: other.shape)
        }
    }

    var pickle: PickleValue {
        var dict: PickleDict = [
            "step": .tensor(TorchTensor(StoredTensor(floats: [Float(step)], shape: []))),
            "exp_avg": .tensor(TorchTensor(expAvg)),
            "exp_avg_sq": .tensor(TorchTensor(expAvgSq)),
        ]
        if let maxExpAvgSq { dict["max_exp_avg_sq"] = .tensor(TorchTensor(maxExpAvgSq)) }
        return .dict(dict)
    }
}

extension AdamWState.Group {
    init(_ reader: CheckpointReader) throws(CheckpointError) {
        lr = try reader("lr").double()
        let pair = try reader("betas").elements()
        guard pair.count == 2 else { throw try reader("betas").fault("two numbers") }
        betas = (try pair[0].double(), try pair[1].double())
        eps = try reader("eps").double()
        weightDecay = try reader("weight_decay").double()
        amsgrad = try reader("amsgrad").bool()
        // The rest came to torch one version after the other.
        maximize = try reader.optional("maximize")?.bool() ?? false
        foreach = try reader.optional("foreach")?.optionalBool()
        capturable = try reader.optional("capturable")?.bool() ?? false
        differentiable = try reader.optional("differentiable")?.bool() ?? false
        fused = try reader.optional("fused")?.optionalBool()
        initialLR = try reader.optional("initial_lr")?.double()
        params = []
        for index in try reader("params").elements() { params.append(try index.count()) }
    }

    var pickle: PickleValue {
        var dict: PickleDict = [
            "lr": .float(lr),
            "betas": .tuple([.float(betas.0), .float(betas.1)]),
            "eps": .float(eps),
            "weight_decay": .float(weightDecay),
            "amsgrad": .bool(amsgrad),
            "maximize": .bool(maximize),
            "foreach": foreach.map { .bool($0) } ?? .none,
            "capturable": .bool(capturable),
            "differentiable": .bool(differentiable),
            "fused": fused.map { .bool($0) } ?? .none,
            "decoupled_weight_decay": true,
        ]
        if let initialLR { dict["initial_lr"] = .float(initialLR) }
        dict["params"] = .list(params.map { .int($0) })
        return .dict(dict)
    }
}
