import DataCore
import Hub

/// The hub of datasets and weights, and the token.
struct HubCheck {
    let environment: [String: String]

    func findings() -> [Finding] {
        do {
            let access = try HubAccess(environment: environment)
            guard !access.isOffline else {
                return [.ok("hub", "not asked: HF_HUB_OFFLINE; datasets come from \(access.cache.root)")]
            }
            let user = try HubProbe(access).user()
            let who = user.map { "as \($0)" } ?? "without a token: public datasets only"
            return [.ok("hub", "\(access.endpoint) answers, \(who)")]
        } catch let DataError.hub(failure) {
            // Every command that could ask the hub ends at these, whether it would have asked or not.
            if case .invalidVariable(let name, _, _) = failure {
                return [.broken("hub", "\(failure)", remedy: "unset \(name), or set it to what is there")]
            }
            return [
                .warning("hub", "\(failure)", remedy: "datasets on this disk need no hub")
            ]
        } catch {
            return [.warning("hub", "\(error)", remedy: "datasets on this disk need no hub")]
        }
    }
}
