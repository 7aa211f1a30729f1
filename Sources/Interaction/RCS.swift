package import HTTP
package import Vocabulary

/// The Recording Crypto Server: hands on media in clear.
package struct RCS: Sendable {
    private let base: HTTPAddress
    private let dialect: SiteDialect
    private let asking: Asking

    /// `base` is the server's address; the manual's has no `/rcs` at its end, and one that has means the same.
    package init(base: HTTPAddress, asking: Asking, dialect: SiteDialect = SiteDialect()) {
        self.base = base
        self.asking = asking
        self.dialect = dialect
    }

    /// Where RCS may have the medium that RWS plays at `address`, the likelier place first; empty where that is no address of
    /// RWS's.
    package func addresses(of address: String) -> [HTTPAddress] {
        // Whole, or its path alone.
        let path = HTTPAddress(address)?.path ?? address
        guard path.hasPrefix("/") else { return [] }
        if path.hasPrefix(dialect.cryptoServerPath + "/") { return [base.replacing(path: path)].compactMap(\.self) }
        let prefix = dialect.mediaPrefixes.first { path.hasPrefix($0 + "/") } ?? ""
        let whole = path.dropFirst(prefix.count)
        let own =
            base.path.hasSuffix(dialect.cryptoServerPath)
            ? base.path : base.directory + dialect.cryptoServerPath
        return [withoutCenter(whole), whole].compactMap(\.self).compactMap { base.replacing(path: own + $0) }
    }

    /// `/recordings/…` or `/screen-recordings/…` of a contact center's.
    private func withoutCenter(_ path: Substring) -> Substring? {
        guard let prefix = dialect.centerPrefixes.first(where: { path.hasPrefix($0) }) else { return nil }
        let rest = path.dropFirst(prefix.count).drop { $0 != "/" }
        return rest.hasPrefix("/recordings/") || rest.hasPrefix("/screen-recordings/") ? rest : nil
    }

    /// Whether an address that RWS names for a medium is RCS's own, which decrypts.
    package func serves(_ address: HTTPAddress) -> Bool {
        address.origin == base.origin && address.path.hasPrefix(dialect.cryptoServerPath + "/")
    }

    /// Fetches a medium in clear.
    package func fetch(
        _ medium: SiteMedium, into descriptor: CInt, mostBytes: Int64
    ) async throws(SiteError) -> (byteCount: Int64, digest: Digest) {
        let doing = "fetch a medium from RCS"
        var refusal = SiteError(.malformed, doing: doing, message: "RWS names no address where it is played")
        for address in addresses(of: medium.address) {
            do {
                return try await MediaFetch(asking: asking).fetch(
                    address, into: descriptor, mostBytes: mostBytes, doing: doing)
            } catch {
                guard error.code == .notFound else { throw error }
                refusal = error
            }
        }
        throw refusal
    }
}

extension HTTPAddress {
    /// The path without a slash at its end.
    fileprivate var directory: String { path.hasSuffix("/") ? String(path.dropLast()) : path }
}
