package import HTTP
package import Vocabulary

/// A call as RWS has it.
package struct SiteCall: Hashable, Sendable {
    package let id: String
    package let region: String
    package let start: Instant?
    package let stop: Instant?
    package let media: [SiteMedium]
    /// Whether its user data say that a screen was begun.
    package let hasScreenMark: Bool
}

/// One file of a call or of its screens.
package struct SiteMedium: Hashable, Sendable {
    package let mediaID: String
    package let type: String
    package let start: Instant?
    package let stop: Instant?
    /// As the metadata say; probe the file where it matters.
    package let length: Duration?
    package let byteCount: Int64?
    /// Where RWS plays it.
    package let address: String
    package let storage: Storage
    /// The PKCS#7 envelope without content, PEM; nil where the file is clear.
    package let envelope: String?
    /// Who was recorded.
    package let agent: String?
    /// The media that a result was made of; nil for a raw one.
    package let sources: [String]?
    package var masks = SiteMasks.none

    /// Where the file is stored.
    package enum Storage: Hashable, Sendable {
        case webDAV(HTTPAddress)
        /// A bucket at a provider: recognised, and not supported.
        case s3(bucket: String)
        /// As the record calls it.
        case unknown(String)
    }
}

extension SiteCall {
    /// Nil where it has no id.
    init?(_ record: JSONValue, dialect: SiteDialect) {
        guard let id = record["id"]?.text, !id.isEmpty else { return nil }
        self.id = id
        region = record["region"]?.text ?? ""
        start = record["startTime"]?.text.flatMap(SiteTime.instant)
        stop = record["stopTime"]?.text.flatMap(SiteTime.instant)
        media = (record["mediaFiles"]?.list ?? []).compactMap { SiteMedium($0, dialect: dialect) }
        let events = record["eventHistory"]?.list ?? []
        hasScreenMark = events.contains { event in
            (event["data"]?.members ?? [:]).values.contains { $0.text == dialect.screenMark }
        }
    }
}

extension SiteMedium {
    /// Nil where it has no media id.
    init?(_ record: JSONValue, dialect: SiteDialect = SiteDialect()) {
        guard let mediaID = record["mediaId"]?.text, !mediaID.isEmpty else { return nil }
        self.mediaID = mediaID
        type = record["type"]?.text ?? ""
        let start = record["startTime"]?.text.flatMap(SiteTime.instant)
        let stop = record["stopTime"]?.text.flatMap(SiteTime.instant)
        self.start = start
        self.stop = stop
        length = record["duration"]?.number.flatMap { SiteMedium.length(of: $0, from: start, to: stop) }
        byteCount = record["size"]?.number.flatMap { Int64(exactly: $0.rounded()) }
        address = record["mediaUri"]?.text ?? record["mediaPath"]?.text ?? ""
        storage = Storage(record["originalMediaDescriptor"] ?? record["mediaDescriptor"] ?? .null)
        envelope = record["pkcs7"]?.text
        let parameters = record["parameters"]
        agent = parameters?["contact"]?["userName"]?.text ?? parameters?["agentId"]?.text
        sources = parameters?["muxed_mediaIds"]?.list?.compactMap(\.text)
        masks = SiteMasks(record["masks"], dialect: dialect)
    }

    /// RWS gives milliseconds; what was inserted may be seconds with decimals. The nearer to stop - start is meant.
    private static func length(of number: Double, from start: Instant?, to stop: Instant?)
        -> Duration?
    {
        guard 0 <= number, number < 1e12 else { return nil }
        let asMillis = Duration.milliseconds(Int64(number.rounded()))
        let asSeconds = Duration.milliseconds(Int64((number * 1000).rounded()))
        guard let start, let stop, stop > start else { return asMillis }
        let span = (stop - start).inSeconds
        return abs(asMillis.inSeconds - span) <= abs(asSeconds.inSeconds - span) ? asMillis : asSeconds
    }
}

extension SiteMedium {
    /// One of the sounds of a call.
    package var isSound: Bool { type.lowercased().hasPrefix("audio/") }
    /// A screen as it was recorded: no result.
    package var isRawScreen: Bool { sources == nil && type.lowercased().hasPrefix("video/") }
}

extension SiteMedium.Storage {
    init(_ descriptor: JSONValue) {
        let kind = descriptor["storage"]?.text ?? ""
        let path = descriptor["path"]?.text ?? ""
        switch kind.lowercased() {
        case "webdav":
            let base = descriptor["data"]?["storagePath"]?.text
            let address =
                HTTPAddress(path)
                ?? base.flatMap { HTTPAddress($0) }.flatMap { $0.replacing(path: $0.directoryPath + path) }
            self = address.map { .webDAV($0) } ?? .unknown("webDAV without an address")
        case "awss3", "s3": self = .s3(bucket: descriptor["data"]?["bucket"]?.text ?? "")
        default: self = .unknown(kind.isEmpty ? "nothing" : kind)
        }
    }
}

extension HTTPAddress {
    fileprivate var directoryPath: String { path.hasSuffix("/") ? path : path + "/" }
}

extension SiteMedium.Storage {
    /// Where the file can be fetched.
    /// - Throws: ``SiteError`` with code `unsupported` for any store that is not WebDAV.
    package func webDAVAddress() throws(SiteError) -> HTTPAddress {
        let doing = "find the store of a medium"
        switch self {
        case .webDAV(let address): return address
        case .s3:
            throw SiteError(
                .unsupported, doing: doing,
                message:
                    "it lies in an S3 bucket, and Takeup reaches WebDAV stores only; give this region a WebDAV store"
            )
        case .unknown(let name):
            throw SiteError(
                .unsupported, doing: doing, message: "its storage is \(name), and Takeup knows webDAV only")
        }
    }
}
