/// Runs operations on a backend and, when recording, remembers how to differentiate them (reverse mode).
///
/// Each operation appends one record: its output and a closure that, given the output's gradient, adds to the gradients
/// of its inputs and parameters. `backward` runs the records in reverse and drops each one after use, so activations
/// are freed as the gradients consume them.
public final class Tape {
    public let backend: any Backend
    /// False for inference: nothing is remembered.
    public let isRecording: Bool
    public let autocast: Autocast
    /// Whether `checkpoint` keeps nothing but its input.
    public let isCheckpointing: Bool
    /// Called with intermediate activations under the names the reference data uses; nil costs nothing.
    public var observer: ((_ name: String, _ activation: Tensor) -> Void)?
    /// Whether the observer also gets what each residual branch added, which has to be computed for it.
    public var observesBranches = true
    /// Learns when gradients of parameters are complete; set before the forward pass.
    public var gradientListener: (any GradientListener)?
    /// Gradients that operations add to, or would if this tape recorded: another one may record them all as one.
    var gradientsOfParameters: [Tensor] = []

    private var records: [(output: Int, shape: [Int], backward: (Tensor) -> Void)] = []
    private var gradients: [Int: Tensor] = [:]
    private var nodeCount = 0
    private var recipes: [Int: () -> Tensor] = [:]

    public init(
        on backend: any Backend, recording: Bool, autocast: Autocast = .off, checkpointing: Bool = false
    ) {
        self.backend = backend
        isRecording = recording
        self.autocast = autocast
        isCheckpointing = checkpointing
    }

    /// Type of the values between the products of a block.
    public var activationType: DType { autocast == .off ? .f32 : .bf16 }

    /// The tensor as a variable whose gradient is kept: `gradient(of:)` after `backward`.
    public func variable(_ tensor: Tensor) -> Tensor {
        precondition(isRecording, "a tape that does not record has no gradients")
        nodeCount += 1
        return tensor.tracked(as: nodeCount)
    }

    /// Adds the gradients of the scalar `loss` to every parameter that it depends on, and empties the tape.
    public func backward(from loss: Tensor) {
        precondition(loss.count == 1, "the loss is a scalar, got \(loss.shape)")
        let one = backend.empty(loss.shape)
        backend.fill(one, with: 1)
        backward(from: loss, gradient: one)
    }

    /// The same for a tensor whose gradient is known, which nobody else needs any more.
    func backward(from output: Tensor, gradient: Tensor) {
        guard let node = output.node else { preconditionFailure("the loss depends on nothing that is differentiated") }
        // The records that need a recipe have it: here it would only keep memory in use.
        recipes.removeAll()
        gradients[node] = gradient
        while let record = records.popLast() {
            if let gradient = gradients.removeValue(forKey: record.output) {
                record.backward(gradient.reshaped(record.shape))
            }
        }
    }

    /// Gradient of a `variable` after `backward`; nil if the loss does not depend on it.
    public func gradient(of variable: Tensor) -> Tensor? {
        variable.node.flatMap { gradients[$0] }
    }

    /// The same, for the last time.
    func takeGradient(of variable: Tensor) -> Tensor? {
        variable.node.flatMap { gradients.removeValue(forKey: $0) }
    }

    /// Reports an activation to the observer.
    public func observe(_ name: @autoclosure () -> String, _ activation: Tensor) {
        observer?(name(), activation)
    }

    /// Reports what a residual branch added: `after - before`.
    public func observe(_ name: @autoclosure () -> String, branch after: Tensor, over before: Tensor) {
        guard let observer, observesBranches else { return }
        let branch = backend.empty(after.shape)
        let minusOne = backend.empty(after.shape)
        backend.fill(minusOne, with: -1)
        backend.multiply(before, minusOne, into: branch)
        backend.add(branch, after, into: branch)
        observer(name(), branch)
    }

    // MARK: For operations

    /// Marks `output` as computed from `inputs`. `backward` gets the output's gradient, which nobody else needs any
    /// more.
    ///
    /// - Parameter parameters: those to whose gradients `backward` adds, if they have any.
    func record(
        _ output: Tensor, from inputs: [Tensor], training parameters: [Parameter?] = [],
        backward: @escaping (_ gradient: Tensor) -> Void
    ) -> Tensor {
        record(output, from: inputs, addingTo: parameters.compactMap { $0?.gradient }, backward: backward)
    }

    func record(
        _ output: Tensor, from inputs: [Tensor], addingTo parameterGradients: [Tensor],
        backward: @escaping (_ gradient: Tensor) -> Void
    ) -> Tensor {
        gradientsOfParameters += parameterGradients
        guard isRecording else { return output }
        guard !parameterGradients.isEmpty || inputs.contains(where: \.isTracked) else { return output }
        nodeCount += 1
        guard let gradientListener, !parameterGradients.isEmpty else {
            records.append((nodeCount, output.shape, backward))
            return output.tracked(as: nodeCount)
        }
        for gradient in parameterGradients { gradientListener.willAdd(to: gradient) }
        records.append(
            (
                nodeCount, output.shape,
                { gradient in
                    backward(gradient)
                    for gradient in parameterGradients { gradientListener.didAdd(to: gradient) }
                }
            ))
        return output.tracked(as: nodeCount)
    }

    /// Says how to make the elements of `tensor` again from less memory.
    func remember(_ tensor: Tensor, _ recipe: @escaping () -> Tensor) {
        if let node = tensor.node { recipes[node] = recipe }
    }

    /// What a backward pass holds in order to get the elements of `tensor`: a recipe, or the tensor itself.
    func kept(_ tensor: Tensor) -> () -> Tensor {
        if let recipe = tensor.node.flatMap({ recipes[$0] }) { return recipe }
        let elements = tensor.detached
        return { elements }
    }

    /// Gives a whole gradient to `input`, which may keep the memory.
    func accumulate(_ gradient: Tensor, into input: Tensor) { accumulate(gradient, into: input.slot) }

    func accumulate(_ gradient: Tensor, into input: GradientSlot) {
        guard let node = input.node else { return }
        guard gradients[node] != nil else {
            gradients[node] = gradient.reshaped(input.shape).detached
            return
        }
        withGradient(of: input) { sum, _ in
            guard sum.dtype == .bf16 else { return backend.add(sum, gradient, into: sum) }
            let wide = [sum, gradient].map { part in
                let wide = backend.empty(part.shape)
                backend.cast(part, into: wide)
                return wide
            }
            backend.add(wide[0], wide[1], into: wide[0])
            backend.cast(wide[0], into: sum)
        }
    }

    /// Lets an operation write the gradient of `input` in place. `accumulates` tells whether the buffer already holds a
    /// gradient to be added to, or is uninitialised. Not called when `input` needs no gradient.
    func withGradient(of input: Tensor, _ write: (_ buffer: Tensor, _ accumulates: Bool) -> Void) {
        withGradient(of: input.slot, write)
    }

    /// The same for an operation that has to run for its parameters' gradients in any case: without a buffer when `input`
    /// needs no gradient.
    func writeGradient(of input: GradientSlot, _ write: (_ buffer: Tensor?, _ accumulates: Bool) -> Void) {
        if input.isTracked { withGradient(of: input, write) } else { write(nil, false) }
    }

    func withGradient(of input: GradientSlot, _ write: (_ buffer: Tensor, _ accumulates: Bool) -> Void) {
        guard let node = input.node else { return }
        guard var sum = gradients.removeValue(forKey: node) else {
            let buffer = backend.empty(input.shape, input.dtype)
            write(buffer, false)
            gradients[node] = buffer
            return
        }
        // The same memory may be the gradient of two inputs of one addition: then this one gets its own copy.
        if !sum.isUniquelyReferenced() {
            let copy = backend.empty(input.shape, input.dtype)
            let whole = BlockCopy(blocks: 1, length: sum.count, sourceStride: 0, targetStride: 0)
            backend.copy(whole, from: sum, to: copy, accumulate: false)
            sum = copy
        }
        write(sum.reshaped(input.shape), true)
        gradients[node] = sum
    }
}
