/// What ranks tell each other beside the data, when something takes too long or goes wrong.
struct ControlMessage: BitwiseCopyable {
    enum Kind: Int64 {
        /// The sender waits; `number` is how many waits it has begun.
        case waiting = 1
        /// The sender cannot go on; `number` is the exit code.
        case failed
    }

    private var rawKind: Int64
    let number: Int64

    init(_ kind: Kind, _ number: Int64) {
        (rawKind, self.number) = (kind.rawValue, number)
    }

    var kind: Kind? { Kind(rawValue: rawKind) }
}
