/// Why a model does not go into a LeRobot policy, or out of one.
public enum LeRobotPolicyError: Error, Equatable, CustomStringConvertible {
    /// The policy has no such model.
    case unfit(path: String, what: String, expected: String, got: String)
    case noVisionEncoder(path: String)
    case noModel(path: String, prefix: String)
    case unreadableConfiguration(path: String)
    /// The folder has a policy of another type.
    case otherPolicy(path: String, type: String)

    public var description: String {
        switch self {
        case .unfit(let path, let what, let expected, let got):
            "cannot write a LeRobot policy: \(path): \(what): expected \(expected), got \(got); LeRobot's lawam has no such "
                + "model"
        case .otherPolicy(let path, let type):
            "cannot take over a LeRobot policy: \(path): type: expected lawam, got \(type); name the folder of a lawam policy"
        case .noVisionEncoder(let path):
            "cannot write a LeRobot policy: \(path): expected the vision encoder's weights, found none; give them as "
                + "--vision-weights, or train with model.checkpoint_frozen true"
        case .noModel(let path, let prefix):
            "cannot read a LeRobot policy: \(path): expected tensors whose names begin with \(prefix), found none; give the "
                + "model.safetensors of a policy of type lawam"
        case .unreadableConfiguration(let path):
            "cannot use a LeRobot policy: \(path): expected an object of options, got something else; remove or mend the file"
        }
    }
}
