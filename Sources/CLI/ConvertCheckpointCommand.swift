import ArgumentParser
import Foundation
import Checkpoints
import LAMTrain

/// `lam convert-checkpoint IN OUT`: the same tensors in another file format.
struct ConvertCheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert-checkpoint",
        abstract: "Rewrites weights or a checkpoint in another file format, bit for bit.",
        discussion: """
            The ending of OUT names the format: .safetensors; .pth, .pt or .bin for a state dict that torch.load reads; \
            .ckpt for a Lightning checkpoint. A Lightning checkpoint stays one with all that it holds; a bare state dict \
            becomes one of epoch 0 whose names start with "lam.".

            With --to lerobot-lawam OUT is the folder of a LeRobot policy of type lawam: its model.safetensors gets the \
            latent action model, under the names that the policy loads, and its config.json the keys that go with it. With \
            --from lerobot-lawam IN is such a model.safetensors, and OUT a checkpoint of its model.
            """)

    @Argument(
        help: ArgumentHelp("A .ckpt, .pth, .pt, .bin or .safetensors file.", valueName: "in"),
        transform: PathArgument.read)
    var input: String

    @Argument(help: ArgumentHelp("The file to write.", valueName: "out"), transform: PathArgument.read)
    var output: String

    @Option(help: "lerobot-lawam: write the model of family lawam into the folder OUT of a LeRobot policy.")
    var to: Layout?

    @Option(help: "lerobot-lawam: read the model out of a LeRobot policy's model.safetensors.")
    var from: Layout?

    @Option(
        help: ArgumentHelp(
            "With --to: DINOv3's weights, where the checkpoint does not hold them.", valueName: "file"),
        transform: PathArgument.read)
    var visionWeights: String?

    enum Layout: String, ExpressibleByArgument, CaseIterable {
        case lerobotLawam = "lerobot-lawam"
    }

    @Flag(help: "Replace OUT if it exists.")
    var overwrite = false

    func validate() throws {
        if to != nil, from != nil { throw ValidationError("--to and --from exclude each other: one writes, one reads") }
        if visionWeights != nil, to == nil { throw ValidationError("--vision-weights goes with --to") }
        let isPolicy = input.hasSuffix(".safetensors") || FileManager.default.fileExists(atPath: "\(input)/config.json")
        if from != nil, !isPolicy {
            throw ValidationError(
                "--from \(Layout.lerobotLawam.rawValue): expected IN to be a LeRobot policy's model.safetensors, got "
                    + "\(input); a checkpoint needs no --from")
        }
    }

    func run() throws {
        do {
            if to != nil {
                let done = try LeRobotPolicy.write(
                    checkpoint: input, visionWeights: visionWeights, to: output, overwrites: overwrite)
                for note in done.notes { Console.error("note: \(note)") }
                return print("\(done.tensors) tensors: \(input) -> \(output)/\(LeRobotPolicy.weightsName)")
            }
            if from != nil {
                let tensors = try LeRobotPolicy.read(input, to: output, overwrites: overwrite)
                return print("\(tensors) tensors: \(input) -> \(output)")
            }
            let done = try CheckpointConversion(from: input, to: output, overwrites: overwrite)
            print(
                "\(done.tensors) tensors, \(done.bytes) bytes: \(input) (\(done.source.rawValue)) -> "
                    + "\(output) (\(done.target.rawValue))")
        } catch {
            Console.error("error: \(error)")
            throw ExitStatus.code(for: error)
        }
    }
}
