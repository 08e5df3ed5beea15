import CCurl
import DataCore
import Foundation

/// The library of HTTP that is loaded.
package enum HubLibraries {
    package static var curl: String {
        let words = String(cString: curl_version()).split(separator: " ").prefix(2)
        return words.joined(separator: " ").replacingOccurrences(of: "libcurl/", with: "")
    }
}

/// A question to the hub that wants an answer at once.
package struct HubProbe {
    private let client: HubClient

    package init(_ access: HubAccess) {
        var access = access
        access.retry.attempts = 1
        access.stallSeconds = 5
        client = HubClient(access)
    }

    /// The user whom the token belongs to; nil without a token, where it is only asked whether the hub is there.
    ///
    /// - Throws: `DataError.hub`.
    package func user() throws -> String? {
        let endpoint = client.access.endpoint
        let question = client.access.token == nil ? "/api/datasets?limit=1" : "/api/whoami-v2"
        let content = try client.content(of: endpoint + question, limit: 1 << 20)
        guard client.access.token != nil else { return nil }
        return try JSON.parse(content, path: endpoint + question)["name"]?.string ?? "somebody"
    }
}
