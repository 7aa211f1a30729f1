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

    /// Where RCS has the medium that RWS plays at `address`; nil where that is no address of RWS's.
    package func address(of address: String) -> HTTPAddress? {
        // Whole, or its path alone.
        let path = HTTPAddress(address)?.path ?? address
        guard path.hasPrefix("/") else { return nil }
        if path.hasPrefix(dialect.cryptoServerPath + "/") { return base.replacing(path: path) }
        let prefix = dialect.mediaPrefixes.first { path.hasPrefix($0 + "/") } ?? ""
        let own =
            base.path.hasSuffix(dialect.cryptoServerPath)
            ? base.path : base.directory + dialect.cryptoServerPath
        return base.replacing(path: own + path.dropFirst(prefix.count))
    }

    /// Fetches a medium in clear.
    package func fetch(
        _ medium: SiteMedium, into descriptor: CInt, mostBytes: Int64
    ) async throws(SiteError) -> (byteCount: Int64, digest: Digest) {
        let doing = "fetch a medium from RCS"
        guard let address = address(of: medium.address) else {
            throw SiteError(.malformed, doing: doing, message: "RWS names no address where it is played")
        }
        return try await MediaFetch(asking: asking).fetch(
            address, into: descriptor, mostBytes: mostBytes, doing: doing)
    }
}

extension HTTPAddress {
    /// The path without a slash at its end.
    fileprivate var directory: String { path.hasSuffix("/") ? String(path.dropLast()) : path }
}
