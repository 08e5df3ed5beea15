import DataCore
import Foundation

/// Where the hub is and how it may be used: what the variables of a process say, by the rules of `huggingface_hub`.
public struct HubAccess: Sendable {
    /// `HF_ENDPOINT` without a slash at the end; `https://huggingface.co`.
    public var endpoint: String
    /// `HF_TOKEN`, the older `HUGGING_FACE_HUB_TOKEN`, or the file that `hf auth login` writes (`HF_TOKEN_PATH`,
    /// `HF_HOME/token`).
    public var token: String?
    /// `HF_HUB_OFFLINE`: only what is on this disk.
    public var isOffline: Bool
    public var cache: HubCache
    /// `HF_LEROBOT_HOME`, else `lerobot` below `HF_HOME`: datasets as plain folders `org/name`.
    public var lerobotHome: String
    /// `HOME`: what `~` means.
    public var home: String
    /// Where what is found out about plain videos is kept.
    public var videoTables: String
    /// A file, or a folder, of authorities that servers' certificates may be signed by: `REQUESTS_CA_BUNDLE`,
    /// `CURL_CA_BUNDLE`, `SSL_CERT_FILE` or `SSL_CERT_DIR`, in this order; nil for the system's.
    public var authorities: String?
    /// Ends every wait for the hub with `DataError.hub(.cancelled)`; asked about once a second from any thread.
    public var isCancelled: @Sendable () -> Bool = { false }

    /// Takes a line for the user of each attempt that has failed; from any thread.
    public var announce: @Sendable (String) -> Void = { _ in }

    package var retry = RetryPolicy()
    /// Seconds without a byte after which a transfer counts as broken.
    package var stallSeconds = 30
    /// Videos from this size on are read by ranges while the whole file is on its way: on a line of 100 Mbit/s this much
    /// takes 0.7 s.
    package var smallestPartialFile = 8 << 20
    /// What a range request brings at least: a second or so of video.
    package var blockBytes = 256 << 10

    /// - Throws: `DataError.hub(.invalidVariable)` for an endpoint that is no address, and for authorities that are not
    ///   there.
    public init(environment: [String: String]) throws {
        let folders = CacheFolders(environment: environment)
        cache = HubCache(environment: environment)
        self.home = environment["HOME"] ?? NSHomeDirectory()
        videoTables = folders.videoTables
        let home = folders["HF_HOME"] ?? "\(folders.cache)/huggingface"
        lerobotHome = folders["HF_LEROBOT_HOME"] ?? "\(home)/lerobot"
        isOffline = ["1", "ON", "YES", "TRUE"].contains((environment["HF_HUB_OFFLINE"] ?? "").uppercased())
        var address = environment["HF_ENDPOINT"] ?? ""
        while address.hasSuffix("/") { address.removeLast() }
        if address.isEmpty { address = "https://huggingface.co" }
        guard HTTPOrigin(of: address) != nil else {
            throw DataError.hub(
                .invalidVariable(name: "HF_ENDPOINT", value: address, expected: "an http or https address"))
        }
        endpoint = address
        for variable in ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"]
        where authorities == nil {
            authorities = folders[variable]
            guard let path = authorities, !FileManager.default.isReadableFile(atPath: path) else { continue }
            throw DataError.hub(
                .invalidVariable(name: variable, value: path, expected: "a readable file or folder of certificates"))
        }
        func text(_ value: String?) -> String? {
            let trimmed = value?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
            return trimmed.isEmpty ? nil : trimmed
        }
        let file = folders["HF_TOKEN_PATH"] ?? "\(home)/token"
        token =
            text(environment["HF_TOKEN"]) ?? text(environment["HUGGING_FACE_HUB_TOKEN"])
            ?? text(try? String(contentsOfFile: file, encoding: .utf8))
        // A line break would end the header and begin another.
        guard token?.utf8.allSatisfy({ 0x20 < $0 && $0 < 0x7F }) ?? true else {
            throw DataError.hub(
                .invalidVariable(name: "HF_TOKEN", value: "(kept secret)", expected: "a token without blanks"))
        }
    }
}

/// Scheme, host and port of an address: what may see a token, and what may not.
struct HTTPOrigin: Equatable {
    let scheme: String
    let host: String
    let port: Int

    /// Nil for anything but http and https with a host and without a password.
    init?(of address: String) {
        guard let parts = URLComponents(string: address), let scheme = parts.scheme?.lowercased(),
            let host = parts.host?.lowercased(), !host.isEmpty, parts.user == nil,
            let standard = ["http": 80, "https": 443][scheme]
        else { return nil }
        (self.scheme, self.host, port) = (scheme, host, parts.port ?? standard)
    }
}
