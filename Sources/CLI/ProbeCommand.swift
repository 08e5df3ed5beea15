import ArgumentParser
import Foundation
import Inference
import LAMData

/// `lam probe`: a small map from latents to actions, and what it makes of videos that have none.
struct ProbeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Turns latent actions into actions by a map that is fitted to labelled episodes.",
        discussion: """
            Label both datasets with the same checkpoint first: lam predict --latents vectors. Then fit the map to the one that \
            has actions, and apply it to the other.
            """, subcommands: [ProbeFitCommand.self, ProbeApplyCommand.self])
}

/// What both subcommands are given.
struct ProbeInput: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Folder of the dataset's latent actions, the one that holds latent_actions.json.", valueName: "dir"),
        transform: PathArgument.read)
    var labels: String

    @Option(
        help: ArgumentHelp("Folder of the LeRobot dataset, the one that holds meta.", valueName: "dir"),
        transform: PathArgument.read)
    var dataset: String

    func opened() throws -> LeRobotDataset {
        let path = URL(fileURLWithPath: dataset).standardizedFileURL.path
        let opened = try LeRobotDataset(root: path, name: URL(fileURLWithPath: path).lastPathComponent)
        for note in opened.notes { Console.error("note: \(note)") }
        return opened
    }

    static func run(_ command: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch {
            Console.error("lam probe \(command): \(error)")
            throw ExitStatus.code(for: error)
        }
    }
}

struct ProbeFitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fit", abstract: "Fits a map from latents to the actions of a dataset, and says what it explains.")

    @OptionGroup var input: ProbeInput

    @Option(
        name: .shortAndLong, help: ArgumentHelp("File of the map, JSON.", valueName: "file"),
        transform: PathArgument.read)
    var output = "probe.json"

    func run() throws {
        try ProbeInput.run("fit") {
            let readout = try ActionReadout(labels: input.labels, dataset: try input.opened())
            try readout.write(to: output)
            print(
                "\(readout.dataset): R2 \(String(format: "%.3f", readout.held_out_r2_mean)) of the action on episodes not seen "
                    + "(\(readout.episodes) episodes, \(readout.pairs) pairs)\nwritten to \(output)")
        }
    }
}

struct ProbeApplyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Copies a dataset with the feature pseudo_action, which a map reads off its latents.",
        discussion: """
            Frames that no pair begins with have zeros, and false as pseudo_action_valid. Videos take no further space on \
            the same disk.
            """)

    @OptionGroup var input: ProbeInput

    @Option(help: ArgumentHelp("Map of lam probe fit.", valueName: "file"), transform: PathArgument.read)
    var map = "probe.json"

    @Option(
        name: .shortAndLong, help: ArgumentHelp("Folder of the copy.", valueName: "dest"), transform: PathArgument.read)
    var output: String

    func run() throws {
        try ProbeInput.run("apply") {
            let readout = try ActionReadout(path: map)
            let frames = try PseudoActions(readout, labels: input.labels, dataset: try input.opened()).write(to: output)
            print(
                "\(frames) frames have got an action of \(readout.action_width) numbers; on episodes not seen of "
                    + "\(readout.dataset) such actions have R2 \(String(format: "%.3f", readout.held_out_r2_mean))\n"
                    + "written to \(output)")
        }
    }
}
