import Foundation
import LAMData
import TestSupport
import Testing

/// Whom the hub client believes, against a real TLS server on this machine.
@Suite struct HubTLSTests {
    /// `openssl s_server`, which answers a path with the file of that name, head and all.
    private final class Server {
        let port: Int
        private let process = Process()

        init(folder: TemporaryFolder, certificate: String, key: String) throws {
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = [
                "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, "-HTTP",
            ]
            process.currentDirectoryURL = folder.root
            let path = try folder.write("", to: "\(UUID().uuidString).log")
            process.standardOutput = FileHandle(forWritingAtPath: path)
            (process.standardInput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
            try process.run()
            var text = ""
            for _ in 0..<500 where text.firstMatch(of: /ACCEPT \S+:(\d+)\s/) == nil {
                usleep(10_000)
                text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            }
            port = try #require(text.firstMatch(of: /ACCEPT \S+:(\d+)\s/).flatMap { Int($0.output.1) }, "\(text)")
        }

        deinit {
            // Children of a worker thread have most signals blocked.
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }

    private let folder: TemporaryFolder
    private static let id = "lam-test/set"

    init() throws {
        folder = try TemporaryFolder()
        try openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=authority -days 2")
        for (name, host) in [("right", "IP:127.0.0.1"), ("wrong", "DNS:hub.example")] {
            try openssl(
                "req -x509 -newkey rsa:2048 -nodes -keyout \(name).key -out \(name).pem -subj /CN=\(name) -days 2 "
                    + "-CA ca.pem -CAkey ca.key -addext subjectAltName=\(host) -addext basicConstraints=CA:FALSE")
        }
        try FileManager.default.createDirectory(
            at: folder.url("api/datasets/\(Self.id)/revision"), withIntermediateDirectories: true)
        let body = #"{"sha": "\#(HubServer.commit)", "siblings": [{"rfilename": "meta/info.json"}]}"#
        _ = try folder.write(
            "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n\(body)",
            to: "api/datasets/\(Self.id)/revision/main")
    }

    private func openssl(_ arguments: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments.split(separator: " ").map(String.init)
        process.currentDirectoryURL = folder.root
        (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl \(arguments)")
    }

    private func snapshot(_ server: Server, _ environment: [String: String]) throws -> HubSnapshot {
        let access = try HubAccess(
            environment: [
                "HF_ENDPOINT": "https://127.0.0.1:\(server.port)", "HOME": folder.path("home"),
                "HF_HUB_CACHE": folder.path("hub-\(environment.hashValue)"),
            ].merging(environment) { $1 })
        return try HubStore(access, limitBytes: nil).snapshot(of: HubRepository(Self.id, kind: .dataset))
    }

    @Test("an own authority is believed where a variable of the Python client or of OpenSSL names it")
    func ownAuthority() throws {
        let server = try Server(folder: folder, certificate: "right.pem", key: "right.key")
        for variable in ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"] {
            #expect(try snapshot(server, [variable: folder.path("ca.pem")]).commit == HubServer.commit)
        }
        // As `openssl rehash` lays out a folder.
        let hashed = try TemporaryFolder()
        try FileManager.default.copyItem(at: folder.url("ca.pem"), to: hashed.url("ca.pem"))
        try openssl("rehash \(hashed.root.path)")
        #expect(try snapshot(server, ["SSL_CERT_DIR": hashed.root.path]).commit == HubServer.commit)
    }

    @Test("an unknown authority and another host's certificate are errors at once, in words")
    func untrusted() throws {
        for (name, environment) in [("right", [:]), ("wrong", ["SSL_CERT_FILE": folder.path("ca.pem")])] {
            let server = try Server(folder: folder, certificate: "\(name).pem", key: "\(name).key")
            let start = ContinuousClock.now
            #expect {
                try snapshot(server, environment)
            } throws: { error in
                guard case DataError.hub(.untrusted(let url, let reason)) = error else { return false }
                return url.hasPrefix("https://127.0.0.1") && !reason.isEmpty && "\(error)".contains("SSL_CERT_FILE")
            }
            // Trying again would not help.
            #expect(ContinuousClock.now - start < .seconds(1))
        }
    }

    @Test("a file of authorities that is not there is an error that names the variable")
    func missingFile() {
        #expect {
            try HubAccess(environment: ["SSL_CERT_FILE": "/nowhere/ca.pem"])
        } throws: { error in
            "\(error)".contains("SSL_CERT_FILE") && "\(error)".contains("/nowhere/ca.pem")
        }
    }
}
