internal import Glibc
package import HTTP
internal import Planning
package import Vocabulary

/// Stores of a site: files are put under a staged name, read back, and moved to their name without overwriting.
///
/// Nothing that a server says of conditions is believed: some ignore them, and some leave a short file where a connection
/// was cut. What counts is what it gives back.
package struct WebDAV: Sendable {
    private let asking: Asking

    package init(asking: Asking) { self.asking = asking }

    package enum Publication: Hashable, Sendable {
        /// It has its name.
        case published
        /// The very same bytes stood there already.
        case stoodAlready
        /// Other bytes stand under the name, and were left alone: what another worker made of the same pair. Nothing gets
        /// there but what was whole.
        case otherStands(byteCount: Int64, digest: Digest)
    }

    /// Brings a file to its name.
    ///
    /// - Parameters:
    ///   - file: read by position; `byteCount` bytes with `digest`.
    ///   - stage: a name beside `target` that nobody else writes now. What is left there is overwritten.
    ///   - beforeMove: what it throws keeps the file from its name.
    /// - Throws: ``SiteError``; `damaged` where the store does not give back what it was given. Nothing stands under
    ///   `target` then that did not stand there before.
    package func publish(
        _ file: CInt, byteCount: Int64, digest: Digest, stage: HTTPAddress, target: HTTPAddress,
        beforeMove: @Sendable () async throws(SiteError) -> Void = { () async throws(SiteError) in }
    ) async throws(SiteError) -> Publication {
        let held = Held(byteCount: byteCount, digest: digest)
        if let standing = try await look(at: target) {
            return standing == held ? .stoodAlready : standing.asOther
        }
        try await put(file, held, at: stage)
        try await beforeMove()
        return try await move(held, from: stage, to: target)
    }

    /// Removes a file. What is gone already is removed.
    package func remove(_ address: HTTPAddress) async throws(SiteError) {
        do {
            _ = try await asking.ask(
                .repeats, doing: "remove a file from the store", isJSON: false,
                prepare: { _ throws(SiteError) in HTTPRequest("DELETE", address) })
        } catch {
            if error.code != .notFound { throw error }
        }
    }

    /// Fetches a file.
    ///
    /// - Parameter mostBytes: more is refused.
    /// - Returns: how many bytes went to the descriptor, from its start on, and their digest.
    package func fetch(
        _ address: HTTPAddress, into descriptor: CInt, mostBytes: Int64
    ) async throws(SiteError) -> (byteCount: Int64, digest: Digest) {
        try await MediaFetch(asking: asking).fetch(
            address, into: descriptor, mostBytes: mostBytes, doing: "fetch a file from the store")
    }

    /// Size of a file, of which nothing is fetched where the store says it; nil where there is none.
    package func byteCount(of address: HTTPAddress) async throws(SiteError) -> Int64? {
        do {
            let answer = try await asking.ask(
                .reads, doing: "ask the store for a file's size", isJSON: false,
                prepare: { _ throws(SiteError) in
                    HTTPRequest("HEAD", address, headers: [("Cache-Control", "no-cache")])
                }
            ).answer
            if let count = answer.header("content-length").flatMap({ Int64($0) }) { return count }
        } catch {
            if error.code == .notFound { return nil }
            // Some know no such question.
            guard error.code == .refused else { throw error }
        }
        return try await look(at: address)?.byteCount
    }

    // MARK: Steps

    private struct Held: Equatable {
        let byteCount: Int64
        let digest: Digest

        var asOther: Publication { .otherStands(byteCount: byteCount, digest: digest) }
    }

    /// What the store gives back; nil where there is nothing.
    private func look(at address: HTTPAddress) async throws(SiteError) -> Held? {
        var stream = SHA256Stream()
        do {
            _ = try await asking.ask(
                .reads, doing: "read back a file from the store", isJSON: false,
                sink: {
                    let fresh = SHA256Stream()
                    stream = fresh
                    return { piece in
                        fresh.take(piece)
                        return true
                    }
                },
                prepare: { _ throws(SiteError) in
                    HTTPRequest(
                        "GET", address, headers: [("Cache-Control", "no-cache")], patience: .transfer,
                        mostBytes: .max)
                })
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
        return Held(byteCount: stream.byteCount, digest: stream.end())
    }

    private func put(_ file: CInt, _ held: Held, at stage: HTTPAddress) async throws(SiteError) {
        let doing = "upload a file to the store"
        var hasMadeCollection = false
        for attempt in 1...asking.attempts {
            do {
                _ = try await asking.ask(
                    .repeats, doing: doing, isJSON: false,
                    prepare: { _ throws(SiteError) in
                        HTTPRequest(
                            "PUT", stage, headers: [("Content-Type", "video/mp4")],
                            body: .file(descriptor: file, byteCount: held.byteCount), patience: .transfer)
                    })
            } catch {
                // 404 or 409: the collection is missing.
                guard !hasMadeCollection, error.code == .notFound || error.code == .exists else {
                    throw error
                }
                hasMadeCollection = true
                try await makeCollection(of: stage)
                continue
            }
            if try await look(at: stage) == held { return }
            if attempt == asking.attempts { break }
        }
        try await remove(stage)
        throw SiteError(
            .damaged, doing: doing, message: "the store gives back other bytes than it was given")
    }

    private func makeCollection(of address: HTTPAddress) async throws(SiteError) {
        guard
            let collection = address.replacing(
                path: String(address.path.prefix(through: address.lastSlash)))
        else { return }
        do {
            _ = try await asking.ask(
                .repeats, doing: "make a collection at the store", isJSON: false,
                prepare: { _ throws(SiteError) in HTTPRequest("MKCOL", collection) })
        } catch {
            // 405: it is there.
            if error.code != .refused { throw error }
        }
    }

    private func move(
        _ held: Held, from stage: HTTPAddress, to target: HTTPAddress
    ) async throws(SiteError) -> Publication {
        do {
            _ = try await asking.ask(
                .repeats, doing: "give a file at the store its name", isJSON: false,
                prepare: { _ throws(SiteError) in
                    HTTPRequest("MOVE", stage, headers: [("Destination", target.text), ("Overwrite", "F")])
                })
        } catch {
            // 412: something has the name. 404: the staged file is gone, because an earlier request of ours came through.
            guard error.code == .refused || error.code == .notFound,
                let standing = try await look(at: target)
            else {
                throw error
            }
            try await remove(stage)
            guard standing == held else { return standing.asOther }
            return error.code == .notFound ? .published : .stoodAlready
        }
        guard try await look(at: target) == held else {
            throw SiteError(
                .damaged, doing: "read back a file from the store", message: "it changed when it was moved")
        }
        return .published
    }
}

extension HTTPAddress {
    fileprivate var lastSlash: String.Index { path.lastIndex(of: "/") ?? path.startIndex }
}
