/// What the head of labels predicts of a pair's latents.
public enum LabelSource: String, ConfigChoice {
    /// There is no such head.
    case none
    /// The mean action from the first frame to the second.
    case action
    /// The change of state.
    case state

    /// The column that LeRobot datasets have it in.
    public var usualKey: String { self == .action ? "action" : "observation.state" }
}
