package import HTTP
package import Vocabulary

/// What a result is made of, and what it is called because of that: the same for every worker, whatever it knows of others.
package struct SourcePair: Hashable, Sendable {
    package let sound: String
    /// In the order of their start; at least one.
    package let screens: [String]

    package init(sound: String, screens: [String]) {
        self.sound = sound
        self.screens = screens
    }

    package var mediaIDs: [String] { [sound] + screens }

    /// Name and media id of the result. Media ids are counted by their length before they are digested, so no two pairs
    /// have the same bytes.
    package var resultName: String {
        let parts = ([sound] + screens.sorted()).flatMap { Array("\($0.utf8.count):\($0)".utf8) }
        let hex = Digest(of: parts).description.prefix(32)
        // As a UUID is written, which is what the names of screens look like.
        var name = ""
        for (index, digit) in hex.enumerated() {
            if [8, 12, 16, 20].contains(index) { name += "-" }
            name.append(digit)
        }
        return name + ".mp4"
    }

    private static let ownEnds = [".mp4", "-2.mp4", "-3.mp4"]

    private func ownStem(_ worker: String) -> String {
        "\(resultName.dropLast(4)).\(Digest(of: Array(worker.utf8)).description.prefix(8))"
    }

    /// Names of files that one worker alone gives: what it stores under one is never another worker's. Several, because
    /// what earlier tries left may be known to RWS by and by.
    package func ownNames(_ worker: String) -> [String] {
        let stem = ownStem(worker)
        return SourcePair.ownEnds.map { stem + $0 }
    }

    /// Name of an upload on its way.
    package func stagedName(_ worker: String) -> String { ownStem(worker) + ".part" }

    /// The files that may have come of an upload under a staged name.
    package static func ownFiles(staged: HTTPAddress) -> [HTTPAddress] {
        guard staged.path.hasSuffix(".part") else { return [] }
        let stem = String(staged.path.dropLast(5))
        return ownEnds.compactMap { staged.replacing(path: stem + $0) }
    }

    /// Whether a medium's `muxed_mediaIds` are this pair: no document says in which order they stand.
    package func isNamed(by sources: [String]?) -> Bool { sources.map { Set($0) } == Set(mediaIDs) }

    /// Whether a medium is a result of the same sound and fewer of the screens, and Takeup's: what others made is theirs.
    package func isGreater(than medium: SiteMedium) -> Bool {
        guard let sources = medium.sources, sources.contains(sound), Set(sources).isStrictSubset(of: mediaIDs) else {
            return false
        }
        return medium.mediaID == SourcePair(sound: sound, screens: sources.filter { $0 != sound }).resultName
    }
}

/// A result that stands at the store, as RWS is told of it.
package struct SiteResult: Hashable, Sendable {
    package let call: String
    package let region: String
    package let pair: SourcePair
    package let start: Instant
    package let length: Duration
    package let byteCount: Int64
    /// The collection at the store.
    package let storage: HTTPAddress
    /// Of the file in it; the media id does not change with it.
    package let fileName: String
    package let agent: String?
    /// The certificate's alias and the envelope, where the result is encrypted.
    package let encryption: Encryption?

    package struct Encryption: Hashable, Sendable {
        package let alias: String
        /// PKCS#7 without content, PEM.
        package let envelope: String

        package init(alias: String, envelope: String) {
            self.alias = alias
            self.envelope = envelope
        }
    }

    package init(
        call: String, region: String, pair: SourcePair, start: Instant, length: Duration,
        byteCount: Int64,
        storage: HTTPAddress, fileName: String? = nil, agent: String?, encryption: Encryption? = nil
    ) {
        self.call = call
        self.region = region
        self.pair = pair
        self.start = start
        self.length = length
        self.byteCount = byteCount
        self.storage = storage
        self.fileName = fileName ?? pair.resultName
        self.agent = agent
        self.encryption = encryption
    }

    /// The body of the insertion, which takes seconds with decimals.
    func body(_ dialect: SiteDialect) -> JSONValue {
        let stop = start + length
        let sources = dialect.namesSoundFirst ? pair.mediaIDs : pair.screens + [pair.sound]
        var parameters: [String: JSONValue] = [
            "region": .text(region), "muxed_mediaIds": .list(sources.map { .text($0) }),
        ]
        if let agent { parameters["contact"] = .object(["userName": .text(agent)]) }
        var medium: [String: JSONValue] = [
            "mediaId": .text(pair.resultName), "type": .text("video/mp4"),
            "startTime": .text(SiteTime.text(start)),
            "stopTime": .text(SiteTime.text(stop)), "duration": .text(seconds),
            "size": .text(String(byteCount)),
            "mediaDescriptor": .object([
                "storage": .text("webDAV"), "path": .text(fileName),
                "data": .object(["storagePath": .text(storage.text)]),
            ]), "parameters": .object(parameters),
        ]
        if let encryption {
            medium["pkcs7"] = .text(encryption.envelope)
            medium[dialect.certificateAlias] = .text(encryption.alias)
        }
        return .object([
            "id": .text(call), "region": .text(region), "startTime": .text(SiteTime.text(start)),
            "stopTime": .text(SiteTime.text(stop)), "mediaFiles": .list([.object(medium)]),
        ])
    }

    private var seconds: String {
        let millis = length.wholeMilliseconds
        let rest = String(millis % 1000)
        return "\(millis / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }
}

extension HTTPAddress {
    /// What stands behind the last slash.
    package var lastName: String { String(path[path.index(after: path.lastIndex(of: "/") ?? path.startIndex)...]) }
}

extension SiteMedium {
    /// Whether its record says that it is stored in this file; nil where the record says nothing that can be compared.
    package func isStored(in file: HTTPAddress) -> Bool? {
        guard case .webDAV(let address) = storage else { return nil }
        // Which host or path leads to the store is the site's to say.
        return address.lastName == file.lastName
    }

    /// Whether its file may be that one: a result that does not say where it lies may lie anywhere.
    package func mayBeStored(in file: HTTPAddress) -> Bool { isStored(in: file) ?? (sources != nil) }
}
