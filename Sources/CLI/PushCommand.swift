import ArgumentParser
import DataCore
import Formats
import Foundation
import Hub
import Checkpoints
import LAMTrain

/// `lam push SOURCE REPOSITORY`: a model or a dataset to the hub.
struct PushCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push", abstract: "Uploads a model or a LeRobot dataset to the hub.",
        discussion: """
            A folder with meta/info.json is a dataset: all its files, with a card where it has none, and the tag of its \
            version. Anything else is a model: its weights as model.safetensors, with a card, and with --run the run's \
            configuration and report. What the repository has already is not sent again, so an interrupted upload goes on \
            when the command is repeated; in the end every file is checked. HF_TOKEN, HF_ENDPOINT and the login of `hf` \
            mean what they mean elsewhere.
            """)

    @Argument(
        help: ArgumentHelp("A dataset's folder, or a file of weights.", valueName: "source"),
        transform: PathArgument.read)
    var source: String

    @Argument(help: ArgumentHelp("org/name on the hub; it is made where there is none.", valueName: "repository"))
    var repository: String

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("The model's run folder, logs/NAME/version_N.", valueName: "dir"),
        transform: PathArgument.read)
    var runFolder: String?

    @Option(
        help: ArgumentHelp("Folder of `lam validate` or `lam test`, whose metrics the card shows.", valueName: "dir"),
        transform: PathArgument.read)
    var evaluation: String?

    @Option(help: "The branch to write to.")
    var revision = "main"

    @Option(help: "A tag for the result; default: of a dataset, its version.")
    var tag: String?

    @Option(help: "The commit's message.")
    var message = "Upload with lam"

    @Flag(help: "Keep a repository that is made now private.")
    var `private` = false

    func run() throws {
        do {
            let isDataset = FileManager.default.fileExists(atPath: "\(source)/meta/info.json")
            let access = try HubAccess(environment: ProcessInfo.processInfo.environment)
            guard access.token != nil, !access.isOffline else {
                throw ValidationError(
                    access.isOffline
                        ? "HF_HUB_OFFLINE forbids the network; unset it"
                        : "expected a token that may write, got none; set HF_TOKEN, or run `hf auth login`")
            }
            let target = try HubRepository(id: repository, revision: revision, kind: isDataset ? .dataset : .model)
            let staging = FileManager.default.temporaryDirectory.appendingPathComponent("lam-push-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: staging, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: staging) }
            let bundle: any PublishedFiles =
                isDataset
                ? try PublishedDataset(folder: source, staging: staging.path)
                : try PublishedModel(
                    weights: source, run: runFolder, evaluation: evaluation, repository: repository,
                    staging: staging.path)
            let files = try bundle.files.map { try HubUploadFile(path: $0.path, source: $0.source) }
            let outcome = try HubPublisher(target, access) { Console.error("note: \($0)") }.publish(
                files, message: message, isPrivate: `private`, tag: tag ?? bundle.tag)
            print("\(outcome.sent) files sent, \(outcome.kept) were there already; all \(files.count) are checked")
            print("\(access.endpoint)/\(isDataset ? "datasets/" : "")\(repository)")
        } catch let error as ValidationError {
            throw error
        } catch let error as DataError {
            Console.error("error: \(error)")
            // An upload that fails is no fault of the data; names and variables are the user's.
            if case .hub(.invalidVariable) = error { throw ExitCode(2) }
            if case .invalidHubName = error { throw ExitCode(2) }
            if case .hub = error { throw ExitCode(1) }
            throw ExitStatus.code(for: error)
        } catch {
            Console.error("error: \(error)")
            throw ExitStatus.code(for: error)
        }
    }
}
