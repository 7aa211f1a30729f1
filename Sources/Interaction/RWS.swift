package import HTTP
package import Planning
internal import Vocabulary

/// Interaction Recording Web Services: what a muxer asks and tells.
package actor RWS {
    package let base: HTTPAddress
    package let contactCenter: String
    package let dialect: SiteDialect
    let asking: Asking

    private var session = Session()
    /// Another one whenever the session or its token is.
    private var sessionNumber = 0
    private var isRenewing = false
    /// Whether writes may go without a token: a question was asked and no token came.
    private var hasAsked = false
    /// RWS has said that it knows no bulk question.
    private(set) var hasNoBulk = false
    private var hasToldNoBulk = false

    package init(
        base: HTTPAddress, contactCenter: String, asking: Asking, dialect: SiteDialect = SiteDialect()
    ) {
        self.base = base
        self.contactCenter = contactCenter
        self.asking = asking
        self.dialect = dialect
    }

    /// A session's cookie and the header that writes need, bound to each other.
    private struct Session {
        var cookie: String?
        var token: (name: String, value: String)?
    }

    // MARK: Paths

    private var ops: HTTPAddress {
        base.appending("api", "v2", "ops", "contact-centers", contactCenter)
    }
    private var calls: HTTPAddress { ops.appending("recordings") }
    private var screens: HTTPAddress {
        base.appending("internal-api", "contact-centers", contactCenter, "screen-recordings")
    }

    // MARK: Questions

    /// Nil where RWS names none that can be understood.
    package func version() async throws(SiteError) -> ServiceVersion? {
        let body = try await get(
            base.appending("api", "v2", "diagnostics", "version"), doing: "ask RWS for its version")
        return body["version"]?.text.flatMap { ServiceVersion($0) }
    }

    /// What narrows the endless search where the settings say nothing: the mark of a screen, where RWS knows it.
    package func criteriaByVersion() async throws(SiteError) -> [(name: String, value: String)] {
        guard let version = try await version(), version >= .knowsScreenMark else { return [] }
        return [("userData", dialect.screenMark)]
    }

    /// One call by its id; nil where there is none in this region.
    package func call(_ id: String) async throws(SiteError) -> SiteCall? {
        let body = try await orNil { () async throws(SiteError) in
            try await get(ops.appending("recordings", id), doing: "ask RWS for a call recording")
        }
        return body?["recording"].flatMap { SiteCall($0, dialect: dialect) }
    }

    /// Goes through all pages of a search.
    ///
    /// - Parameters:
    ///   - criteria: parameters besides times and limit.
    ///   - limit: records of a page, 1 to 100.
    ///   - take: gets each page when it comes; calls that an earlier page had are left out.
    /// - Throws: ``SiteError``; with code `paging` when links lead elsewhere or in a circle, or there must be more than
    ///   was shown. Pages before that were handed on.
    package func search(
        _ window: SearchWindow?, criteria: [(name: String, value: String)], limit: Int,
        take: ([SiteCall]) async throws(SiteError) -> Void
    ) async throws(SiteError) {
        var parameters = criteria
        if let window {
            parameters.append(("startTime", SiteTime.milliseconds(window.from)))
            if let to = window.to { parameters.append(("endTime", SiteTime.milliseconds(to))) }
        }
        parameters.append(("limit", String(limit)))
        let doing = "search RWS for call recordings"
        var address = calls.asking(parameters)
        var walked: Set<HTTPAddress> = []
        var seen: Set<String> = []
        // Records without an id are shown, too, and nothing can be made of them.
        var namelessCount = 0
        var total: Double?
        while true {
            walked.insert(address)
            let body = try await get(address, doing: doing)
            guard let records = body["recordings"]?.list else {
                throw SiteError(.malformed, doing: doing, message: "the answer has no list of recordings")
            }
            let calls = records.compactMap { SiteCall($0, dialect: dialect) }
            namelessCount += records.count - calls.count
            // What comes or goes while pages are asked for changes what they say.
            if let named = dialect.totalKeys.lazy.compactMap({ body[$0]?.number }).first {
                total = min(total ?? named, named)
            }
            try await take(calls.filter { seen.insert($0.id).inserted })
            guard let link = nextPage(body) else {
                try checkEnd(
                    total, shown: seen.count + namelessCount, isCut: walked.count == 1 && records.count >= limit,
                    doing: doing)
                return
            }
            guard let next = own(address.resolving(link), asked: address) else {
                throw SiteError(.paging, doing: doing, message: "the next page is not at RWS itself")
            }
            guard !walked.contains(next), !records.isEmpty else {
                throw SiteError(
                    .paging, doing: doing, message: "the next page is one that was shown before")
            }
            address = next
        }
    }

    /// - Parameters:
    ///   - total: how many there are by the page that says the fewest; nil where none says it.
    ///   - isCut: whether the answer is as long as it may be, and none before it named a next page. Nobody knows then that
    ///     the names of links are right.
    private func checkEnd(_ total: Double?, shown: Int, isCut: Bool, doing: String) throws(SiteError) {
        if let total {
            if Double(shown) >= total { return }
            throw SiteError(
                .paging, doing: doing,
                message: "there are \(total), \(shown) were shown, and no next page is named")
        }
        if isCut {
            throw SiteError(
                .paging, doing: doing,
                message: "as many as were asked for came, and neither a next page nor a total is named")
        }
    }

    /// The address of a next page at RWS as we know it. Behind a balancer RWS may name itself by another scheme and host: of such a
    /// link only what is asked for counts, and only where its path is that of the search.
    private func own(_ link: HTTPAddress?, asked: HTTPAddress) -> HTTPAddress? {
        guard let link else { return nil }
        if link.origin == base.origin { return link }
        let paths = [asked.path, String(asked.path.dropFirst(basePath.count))]
        guard paths.contains(link.path), let query = link.query else { return nil }
        return HTTPAddress(asked.origin.description + asked.path + "?" + query)
    }

    /// Where RWS plays what its records say is played at `address`, whatever scheme and host they name; nil where the path is none
    /// of RWS's.
    package nonisolated func address(ofPlayed address: String) -> HTTPAddress? {
        let path = HTTPAddress(address)?.path ?? address
        guard let prefix = dialect.mediaPrefixes.first(where: { path.contains($0 + "/") }),
            let start = path.firstRange(of: prefix + "/")?.lowerBound
        else { return nil }
        return base.replacing(path: basePath + path[start...])
    }

    /// Without a slash at its end.
    private nonisolated var basePath: String { base.path.hasSuffix("/") ? String(base.path.dropLast()) : base.path }

    private func nextPage(_ body: JSONValue) -> String? {
        let groups = [body] + dialect.pagingGroups.compactMap { body[$0] }
        for group in groups {
            for key in dialect.nextPageKeys {
                let found = group[key]
                let link = found?.text ?? dialect.linkTargets.compactMap { found?[$0]?.text }.first
                if let link, !link.isEmpty { return link }
            }
        }
        return nil
    }

    /// Screen media of calls, by the call's id; calls without any are left out.
    ///
    /// - Parameter slice: most calls of one bulk question; nil asks one by one.
    package func screens(of ids: [String], slice: Int?) async throws(SiteError) -> [String:
        [SiteMedium]]
    {
        var found: [String: [SiteMedium]] = [:]
        // Asked for twice, a call's screens would be shown twice.
        var asked: Set<String> = []
        var rest = ids.filter { asked.insert($0).inserted }[...]
        while let slice, !hasNoBulk, !rest.isEmpty {
            // What no answer of RWS holds more of: the others would look as if they had no screens.
            let slice = max(1, min(slice, dialect.mostRecords))
            guard let media = try await bulk(Array(rest.prefix(slice))) else {
                hasNoBulk = true
                break
            }
            found.merge(media) { $1 }
            rest = rest.dropFirst(slice)
        }
        for id in rest {
            if let media = try await screens(of: id) { found[id] = media }
        }
        return found
    }

    /// True once, after RWS has said that it knows no bulk question.
    package func tellsNoBulk() -> Bool {
        defer { hasToldNoBulk = hasNoBulk }
        return hasNoBulk && !hasToldNoBulk
    }

    /// By the id itself, which no index has to catch up with. Nil where there is none in this region.
    package func screens(of id: String) async throws(SiteError) -> [SiteMedium]? {
        let body = try await orNil { () async throws(SiteError) in
            try await get(screens.appending(id), doing: "ask RWS for the screens of a call")
        }
        return body?["recording"]?["mediaFiles"]?.list.map { $0.compactMap { SiteMedium($0, dialect: dialect) } }
    }

    /// Nil where RWS knows no such question.
    private func bulk(_ ids: [String]) async throws(SiteError) -> [String: [SiteMedium]]? {
        let question = JSONValue.object([dialect.bulkIDs: .list(ids.map { .text($0) })])
        let address = dialect.bulkPath.split(separator: "/").reduce(screens) {
            $0.appending(String($1))
        }
        var status = 0
        let body: JSONValue
        do {
            body = try await write(
                "POST", address, .bytes(question.bytes, type: "application/json"), .repeats,
                doing: "ask RWS for the screens of several calls", onStatus: { status = $0 })
        } catch {
            if dialect.bulkMissing.contains(status) { return nil }
            throw error
        }
        var found: [String: [SiteMedium]] = [:]
        for record in body["recordings"]?.list ?? [] {
            guard let id = record["id"]?.text else { continue }
            found[id, default: []] += (record["mediaFiles"]?.list ?? []).compactMap { SiteMedium($0, dialect: dialect) }
        }
        return found
    }

    /// Aliases and certificates that screens are encrypted for, by their number; empty where they are not.
    package func certificates() async throws(SiteError) -> [(alias: String, certificate: String)] {
        let body = try await get(
            ops.appending("settings", "screen-recording-encryption"),
            doing: "ask RWS for the screens' certificates")
        let settings = settings(in: body)
        let numbers = settings.keys.filter { $0.hasPrefix("certificate-") }.map { $0.dropFirst("certificate-".count) }
        return numbers.sorted { ($0.count, $0) < ($1.count, $1) }.compactMap { number in
            guard let alias = settings["certificatealias-\(number)"]?.text,
                let text = settings["certificate-\(number)"]?.text
            else { return nil }
            return (alias, text)
        }
    }

    /// Where the region's screens are stored, by RWS's settings. Empty where it does not say.
    package func stores() async throws(SiteError) -> [HTTPAddress] {
        let body = try await get(
            base.appending("api", "v2", "settings", "screen-recording"),
            doing: "ask RWS for the screens' stores")
        guard let stores = settings(in: body)["storage"] else { return [] }
        return (stores.list ?? [stores]).compactMap { store in
            let places = [store] + dialect.storageGroups.compactMap { store[$0] }
            return places.lazy.flatMap { place in
                self.dialect.storagePathKeys.compactMap { place[$0]?.text }
            }
            .compactMap { HTTPAddress($0) }.first
        }
    }

    /// Items of a group of settings by their name.
    private func settings(in body: JSONValue) -> [String: JSONValue] {
        let items = body[dialect.settingItems]?.list ?? []
        let named = items.compactMap { item in
            item[dialect.settingName]?.text.map { ($0, item[dialect.settingValue] ?? .null) }
        }
        return Dictionary(named) { $1 }
    }

    // MARK: Writes

    /// Tells RWS of a result. It is done, refused, or ``SiteError/Code/unknown``: then ask for the call's screens.
    package func register(_ body: JSONValue) async throws(SiteError) {
        _ = try await write(
            "POST", screens, .bytes(body.bytes, type: "application/json"), .creates,
            doing: "register a result with RWS")
    }

    /// Removes a screen medium and its file. What is gone already is removed.
    package func remove(_ name: String, of id: String) async throws(SiteError) {
        _ = try await orNil { () async throws(SiteError) in
            try await write(
                "DELETE", screens.appending(id, "content", name), .none, .repeats,
                doing: "remove a screen at RWS")
        }
    }

    // MARK: Session

    private func get(_ address: HTTPAddress, doing: String) async throws(SiteError) -> JSONValue {
        var sent: String?
        return try await asking.ask(
            .reads, doing: doing, onAnswer: { answer in self.note(answer, to: sent) },
            prepare: { _ throws(SiteError) in
                sent = self.session.cookie
                return HTTPRequest("GET", address, headers: self.headers(writes: false))
            }
        ).body
    }

    private func write(
        _ method: String, _ address: HTTPAddress, _ body: HTTPRequest.Body, _ effect: RequestEffect,
        doing: String,
        onStatus: (Int) -> Void = { _ in }
    ) async throws(SiteError) -> JSONValue {
        var used: Int?
        return try await asking.ask(
            effect, doing: doing, onAnswer: { answer in onStatus(answer.status) },
            prepare: { needsSession throws(SiteError) in
                if needsSession || !self.hasAsked { try await self.renewSession(after: used) }
                used = self.sessionNumber
                return HTTPRequest(
                    method, address, headers: self.headers(writes: true), body: body,
                    createsSomething: effect == .creates)
            }
        ).body
    }

    /// One at a time, so that all who were refused go on with the same new session. The old one stays until then.
    ///
    /// - Parameter used: the session that was refused; nil where there may be none yet.
    private func renewSession(after used: Int?) async throws(SiteError) {
        let doing = "begin a session with RWS"
        while isRenewing {
            do {
                try await Task.sleep(for: .milliseconds(20))
            } catch {
                throw SiteError(.cancelled, doing: doing)
            }
        }
        // Somebody else did, meanwhile.
        if let used { guard used == sessionNumber else { return } } else { guard !hasAsked else { return } }
        isRenewing = true
        defer { isRenewing = false }
        let answer = try await asking.ask(
            .reads, doing: doing,
            prepare: { _ throws(SiteError) in
                HTTPRequest(
                    "GET", self.base.appending("api", "v2", "me"), headers: [("Accept", "application/json")])
            }
        ).answer
        session = Session(cookie: RWS.cookie(of: answer), token: RWS.token(of: answer))
        sessionNumber += 1
        hasAsked = true
    }

    private func headers(writes: Bool) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = [("Accept", "application/json")]
        if let cookie = session.cookie { headers.append(("Cookie", cookie)) }
        if writes, let token = session.token { headers.append(token) }
        return headers
    }

    /// Takes the session and its token from an answer to a question; where none came, RWS wants none.
    ///
    /// - Parameter sent: the cookie that the question had: a token of another session than ours is of no use.
    private func note(_ answer: HTTPAnswer, to sent: String?) {
        guard answer.isSuccess else { return }
        let token = RWS.token(of: answer)
        if let cookie = RWS.cookie(of: answer), cookie != session.cookie {
            session = Session(cookie: cookie, token: token)
            sessionNumber += 1
        } else if let token, sent == session.cookie, session.token.map({ $0 != token }) ?? true {
            session.token = token
            sessionNumber += 1
        }
    }

    private static func cookie(of answer: HTTPAnswer) -> String? {
        let name = "JSESSIONID="
        return answer.headers["set-cookie"]?.last { $0.hasPrefix(name) }.map { String($0.prefix { $0 != ";" }) }
    }

    private static func token(of answer: HTTPAnswer) -> (name: String, value: String)? {
        guard let key = answer.header("x-csrf-header"), let value = answer.header("x-csrf-token"),
            !key.isEmpty, key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") })
        else { return nil }
        return (key, value)
    }
}

/// What was asked for, or nil where it is not there.
private func orNil<Value>(
    _ body: () async throws(SiteError) -> Value
) async throws(SiteError) -> Value? {
    do {
        return try await body()
    } catch {
        if error.code == .notFound { return nil }
        throw error
    }
}
