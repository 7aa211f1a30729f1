internal import HTTP
internal import Interaction
internal import Planning
internal import Settings
internal import Vocabulary

/// The services of one GIR site, with who we are there: what a worker has of it for as long as it runs.
struct SiteAccess: Sendable {
    let rws: RWS
    /// Nil where the settings name none.
    let rcs: RCS?
    let store: WebDAV
    /// For what must not hold up an end: one attempt only.
    let hastyStore: WebDAV
    let media: MediaFetch
    /// WebDAV collections of the region's screens. User and password go to their origins, and to no other.
    let stores: [HTTPAddress]
    /// Origins besides the stores' that media may be fetched from.
    let playOrigins: Set<Origin>
    /// What narrows a search, besides its window.
    let criteria: [(name: String, value: String)]

    /// An address of the settings that can't be used.
    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    /// Asks RWS for its version, where that matters, and for the region's stores.
    ///
    /// - Parameters:
    ///   - authorities: PEM file of certificate authorities; nil: the system's.
    ///   - moreStores: collections that RWS's settings do not name.
    /// - Throws: `SiteError`, ``Unusable``.
    static func open(
        _ settings: GIRSettings, authorities: FilePath?, moreStores: [HTTPAddress]
    ) async throws -> SiteAccess {
        guard let rwsBase = HTTPAddress(settings.rws.address) else {
            throw Unusable(description: "[htcc] base_uri is no address of a service")
        }
        let rcsBase = try settings.rcs.map { service in
            guard let base = HTTPAddress(service.address) else {
                throw Unusable(description: "[rcs] base_uri is no address of a service")
            }
            return base
        }
        var logins = [rwsBase.origin: HTTPClient.Login(settings.rws.account)]
        if let rcsBase, let service = settings.rcs, logins[rcsBase.origin] == nil {
            logins[rcsBase.origin] = HTTPClient.Login(service.account)
        }
        let asker = RWS(
            base: rwsBase, contactCenter: settings.contactCenter,
            asking: Asking(client: HTTPClient(logins: logins, authorities: authorities)))
        let stores = try await stores(asker) + moreStores
        if let account = settings.webDAV {
            for store in stores where logins[store.origin] == nil { logins[store.origin] = HTTPClient.Login(account) }
        }
        let client = HTTPClient(logins: logins, authorities: authorities)
        let asking = Asking(client: client)
        return SiteAccess(
            rws: RWS(base: rwsBase, contactCenter: settings.contactCenter, asking: asking),
            rcs: rcsBase.map { RCS(base: $0, asking: asking) }, store: WebDAV(asking: asking),
            hastyStore: WebDAV(asking: Asking(client: client, attempts: 1)), media: MediaFetch(asking: asking),
            stores: stores, playOrigins: Set([rwsBase, rcsBase].compactMap { $0?.origin }),
            criteria: try await criteria(settings, asker))
    }

    /// A site may refuse to tell: then its stores have to be named to us.
    private static func stores(_ rws: RWS) async throws -> [HTTPAddress] {
        do {
            return try await rws.stores()
        } catch {
            switch error.code {
            case .permission, .notFound, .refused: return []
            case .unavailable, .exists, .unknown, .malformed, .paging, .damaged, .unsupported, .cancelled: throw error
            }
        }
    }

    private static func criteria(
        _ settings: GIRSettings, _ rws: RWS
    ) async throws -> [(name: String, value: String)] {
        if let batch = settings.batchQuery { return batch.map { ($0.name, $0.value) } }
        switch settings.extraQuery {
        case .byVersion: return try await rws.criteriaByVersion()
        case .disabled: return []
        case .parameters(let parameters): return parameters.map { ($0.name, $0.value) }
        }
    }

    /// Whether our account goes with a request there.
    func isStore(_ address: HTTPAddress) -> Bool { stores.contains { $0.origin == address.origin } }
}

extension HTTPClient.Login {
    fileprivate init(_ account: GIRSettings.Account) {
        self.init(user: account.user, password: { account.password.reveal() })
    }
}
