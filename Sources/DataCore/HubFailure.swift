/// What can go wrong between this machine and a hub: the facts of `DataError.hub`.
public enum HubFailure: Error, Sendable, Equatable {
    /// The server answered, and the answer is no. `message` is its own text.
    case refused(url: String, status: Int, message: String, hasToken: Bool)
    /// Every attempt failed; `reason` is the last one's.
    case unreachable(url: String, attempts: Int, reason: String)
    /// The server did not prove that it is the one that was asked for; `reason` is the TLS library's.
    case untrusted(url: String, reason: String)
    /// A file arrived, and is not the one that was promised.
    case unexpectedContent(url: String, what: String, expected: String, got: String)
    /// An answer that does not have the form of the hub's interface.
    case unexpectedAnswer(url: String, expected: String, got: String)
    /// A redirect that is not followed.
    case badRedirect(url: String, target: String, reason: String)
    /// The network may not be used and the cache does not have it.
    case offline(repository: HubRepository, file: String, lookedFor: String)
    /// The repository has no such file at this commit.
    case noSuchFile(repository: HubRepository, commit: String, file: String)
    /// No revision of the dataset has a format that can be read.
    case noReadableRevision(repository: HubRepository, found: String, tags: [String], supported: [String])
    /// A variable of the process that cannot be used.
    case invalidVariable(name: String, value: String, expected: String)
    /// The stream that wanted the file has ended.
    case cancelled
}

extension HubFailure {
    /// Whether it tells of a whole repository that it cannot be had, rather than of a file of it.
    package var isAboutTheWhole: Bool {
        switch self {
        case .refused, .unreachable, .offline: true
        default: false
        }
    }
}

extension HubFailure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .refused(let url, let status, let message, let hasToken):
            let advice =
                switch status {
                case 401, 403:
                    hasToken
                        ? "the token of HF_TOKEN has no access; check it, and accept the dataset's terms on its page"
                        : "the dataset is private, gated or does not exist; set HF_TOKEN, or check the name"
                case 404: "check the dataset's name and data.revision"
                default: "try again later"
                }
            return "hub request refused: \(url): expected status 200, got \(status)"
                + (message.isEmpty ? "" : " (\(message))") + "; \(advice)"
        case .unreachable(let url, let attempts, let reason):
            return
                "hub not reachable: \(url): "
                + (attempts == 1 ? reason : "\(attempts) attempts failed, the last with: \(reason)")
                + "; check the network and HF_ENDPOINT, or set HF_HUB_OFFLINE=1 to use what is cached"
        case .untrusted(let url, let reason):
            return "server not trusted: \(url): expected a certificate of a known authority for this host, got: "
                + "\(reason); check HF_ENDPOINT, or name the file of your own authority in SSL_CERT_FILE"
        case .unexpectedContent(let url, let what, let expected, let got):
            return "damaged download: \(url): \(what): expected \(expected), got \(got); try again, or remove the "
                + "repository's folder from the cache"
        case .unexpectedAnswer(let url, let expected, let got):
            return "unusable answer of the hub: \(url): expected \(expected), got \(got); check HF_ENDPOINT"
        case .badRedirect(let url, let target, let reason):
            return "redirect not followed: \(url): to \(target): \(reason); check HF_ENDPOINT"
        case .offline(let repository, let file, let lookedFor):
            return
                "not in the hub cache: \(file) of \(repository): expected \(lookedFor), got none, and HF_HUB_OFFLINE "
                + "forbids the network; unset it, or run `\(repository.downloadCommand(file: file))` elsewhere"
        case .noSuchFile(let repository, let commit, let file):
            return "no such file on the hub: \(file) of \(repository): expected it in commit \(commit), got none; the "
                + "dataset is incomplete, try another data.revision"
        case .noReadableRevision(let repository, let found, let tags, let supported):
            return "no readable revision: \(repository): expected LeRobot \(supported.joined(separator: ", ")), got "
                + "\(found) and tags \(tags.isEmpty ? "(none)" : tags.joined(separator: ", ")); set data.revision"
        case .invalidVariable(let name, let value, let expected):
            return "invalid environment variable: \(name): expected \(expected), got \(value.debugDescription)"
        case .cancelled:
            return "download cancelled: the stream that asked for it has ended"
        }
    }
}
