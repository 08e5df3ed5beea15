import DataCore
import Datasets
import Formats
import Foundation
import Hub

/// Finds the datasets of a mix by name: on this disk, then in the folders of Hugging Face's programs, then on the hub.
///
/// 1. `root/name`; without a `root`, or for a path that begins with `/`, `~`, `./` or `../`, `name` itself;
/// 2. `HF_LEROBOT_HOME/name`, and LeRobot's own cache, `HF_LEROBOT_HOME/hub`;
/// 3. the hub's cache and the hub, for `org/name` and `org/name@revision`: files come when they are needed.
public struct DatasetCatalog: Sendable {
    private let root: String?
    private let home: String?
    private let revision: String?
    private let access: HubAccess?
    private let store: HubStore?
    private let prefetcher: HubPrefetcher?
    private let checksDataFiles: Bool
    private let readsTasks: Bool
    private let rates: [StreamOptions.Rate]
    private let filters: [StreamOptions.FilterKey]
    private let splitsAtCuts: Bool
    private let tolerance: Double?

    /// - Parameters:
    ///   - options: gives `root`, `revision`, `fps`, `readsTasks` and the bound on downloads; the mix is not looked at.
    ///   - hub: nil keeps to steps that need no variables of the process: 1.
    ///   - checksDataFiles: finds the rows of data files on this disk by what they say.
    public init(_ options: StreamOptions, hub: HubAccess?, checksDataFiles: Bool = true) {
        self.checksDataFiles = checksDataFiles
        rates = options.fps
        readsTasks = options.readsTasks
        filters = options.filterKeys
        (splitsAtCuts, tolerance) = (options.splitsAtCuts, options.toleranceS)
        home = hub?.home
        root = options.root.map { HomeFolder.expanding($0, home: hub?.home) }
        (revision, access) = (options.revision, hub)
        let gibibyte = Double(1 << 30)
        store = hub.map { HubStore($0, limitBytes: Int(min(options.hubCacheGiB, 1e6) * gibibyte)) }
        prefetcher = store.map { HubPrefetcher(store: $0) }
    }

    /// A dataset in any format; such as a hub does not have are looked for on this disk.
    ///
    /// - Throws: `StreamError.missingDataset`; `DataError` and whatever else opening a dataset throws.
    public func dataset(_ name: String) throws -> any RobotDataset {
        let candidates = candidates(name)
        try requireNoneElsewhere(name, candidates)
        for candidate in candidates {
            if let format = DatasetFormat.at(candidate) { return try format.open(candidate, request(shortName(name))) }
        }
        guard let repository = repository(name) else { throw missing(name, candidates) }
        if let folder = cachedByLeRobot(repository, isChosen: isChosen(name)) {
            return try DatasetFormat.leRobot.open(folder, request(repository.id))
        }
        guard let store, let prefetcher else { throw missing(name, candidates) }
        let files: HubDataset
        do {
            files = try HubDataset.open(repository, store: store, prefetcher: prefetcher, isChosen: isChosen(name))
        } catch DataError.hub(let cause) where cause.isAboutTheWhole {
            throw StreamError.missingOnHub(name: name, tried: candidates, near: near(name, candidates), cause: cause)
        }
        var dataset = try LeRobotDataset(
            root: files.root, name: repository.id, checkDataFiles: false, readsTasks: readsTasks, files: files)
        dataset.tolerance = tolerance
        return dataset
    }

    /// What is said of a name that leads nowhere.
    private func missing(_ name: String, _ candidates: [String]) -> StreamError {
        // A candidate that exists was meant, and its content is what is wrong.
        guard let path = candidates.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
            return .missingDataset(name: name, tried: candidates, near: near(name, candidates))
        }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return .noDataset(name: name, path: path, found: names.filter { !$0.hasPrefix(".") }.sorted())
    }

    /// Datasets beside those that were looked for, whose names are almost the same.
    private func near(_ name: String, _ candidates: [String]) -> [String] {
        var found: [String] = []
        for candidate in candidates {
            let url = URL(fileURLWithPath: candidate).standardizedFileURL
            let folder = url.deletingLastPathComponent().path
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            // Only names that are near are looked into: a neighbour may be a whole disk.
            let datasets = names.prefix(Self.mostNeighbours).filter {
                NearestName.find(url.lastPathComponent, in: [$0]) != nil && DatasetFormat.at("\(folder)/\($0)") != nil
            }
            guard let nearest = NearestName.find(url.lastPathComponent, in: datasets) else { continue }
            let spelled = name.split(separator: "/").dropLast().joined(separator: "/")
            found.append(
                name.hasPrefix("/") ? "\(folder)/\(nearest)" : spelled.isEmpty ? nearest : "\(spelled)/\(nearest)")
        }
        return found
    }

    /// Names of a folder that are looked through for the one that was meant.
    private static let mostNeighbours = 10_000

    private func request(_ name: String) -> DatasetFormat.Request {
        var request = DatasetFormat.Request(name: name)
        (request.fps, request.filter) = (rates.first(for: name)?.fps, filters.first(for: name)?.key)
        (request.checksDataFiles, request.readsTasks) = (checksDataFiles, readsTasks)
        (request.splitsAtCuts, request.tolerance) = (splitsAtCuts, tolerance)
        request.cacheFolder = access?.videoTables
        return request
    }

    private func candidates(_ name: String) -> [String] {
        let name = HomeFolder.expanding(name, home: home)
        guard !name.hasPrefix("/") else { return [name] }
        let isRelative = ["./", "../"].contains { name.hasPrefix($0) }
        return (root.map { ["\($0)/\(name)"] } ?? []) + (root == nil || isRelative ? [name] : [])
            + (isRelative ? [] : access.map { ["\($0.lerobotHome)/\(name)"] } ?? [])
    }

    /// A word on where a dataset was found, if that is neither below `root` nor the path that names it.
    func origin(of dataset: any RobotDataset, named name: String) -> String? {
        let place = dataset.root
        guard dataset.isLocal, !name.hasPrefix("/"), !name.hasPrefix("~"),
            root.map({ place != "\($0)/\(name)" }) ?? true
        else { return nil }
        return "taken from \(URL(fileURLWithPath: place).standardizedFileURL.path)"
    }

    /// A dataset of that name in the current folder, but not below `root`, is another one than was meant; only its user
    /// knows.
    private func requireNoneElsewhere(_ name: String, _ candidates: [String]) throws {
        guard let root, !candidates.contains(name),
            !candidates.contains(where: { DatasetFormat.at($0) != nil }), DatasetFormat.at(name) != nil
        else { return }
        throw StreamError.datasetElsewhere(
            name: name, root: root, found: URL(fileURLWithPath: name).standardizedFileURL.path)
    }

    /// Rules that go by name must not see the folders above a dataset, nor a state where it lies on this disk.
    private func shortName(_ name: String) -> String {
        name.hasPrefix("/") || name.hasPrefix("~") ? URL(fileURLWithPath: name).lastPathComponent : name
    }

    /// What LeRobot itself has downloaded; where the hub can be asked, only if it is whole.
    private func cachedByLeRobot(_ repository: HubRepository, isChosen: Bool) -> String? {
        guard let access,
            let folder = LeRobotCache(lerobotHome: access.lerobotHome).snapshot(of: repository, isChosen: isChosen)
        else { return nil }
        // Of a download of some episodes, the hub has the others.
        guard !access.isOffline else { return folder }
        let bare = try? LeRobotDataset(root: folder, name: repository.id, checkDataFiles: false, readsTasks: false)
        return bare?.isWhole == true ? folder : nil
    }

    /// Whether a revision was asked for.
    private func isChosen(_ name: String) -> Bool { revision != nil || name.contains("@") }

    /// `data.revision` is for entries that name none of their own.
    private func repository(_ name: String) -> HubRepository? {
        // The hub knows bare names, too, but no LeRobot dataset has one: it is a folder's name, mistyped.
        guard !name.hasPrefix("/"), !name.hasPrefix("."), !name.hasPrefix("~"), name.split(separator: "/").count == 2
        else { return nil }
        if name.contains("@") { return try? HubRepository(name, kind: .dataset) }
        return try? HubRepository(id: name, revision: revision ?? "main", kind: .dataset)
    }
}
