/// A libpq connection string taken apart: `host=… dbname=…`, or `postgresql://…` (PostgreSQL manual, 34.1.1).
struct ConnectionText {
    /// Keyword and value in the order written, without the password.
    let parameters: [(keyword: String, value: String)]
    let password: Secret?

    subscript(keyword: String) -> String? { parameters.last { $0.keyword == keyword }?.value }

    /// `keyword='value'` pairs, for libpq.
    var text: String {
        parameters.map { keyword, value in
            let isPlain = !value.isEmpty && value.utf8.allSatisfy { $0 > 32 && $0 != 39 && $0 != 92 }
            if isPlain { return "\(keyword)=\(value)" }
            let escaped = value.map { $0 == "'" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined()
            return "\(keyword)='\(escaped)'"
        }.joined(separator: " ")
    }

    /// Which database is meant, with libpq's defaults for what is not said.
    var identity: DatabaseIdentity {
        if let service = self["service"], self["dbname"] == nil {
            return DatabaseIdentity(addresses: ["service \(service)"], name: service)
        }
        let hosts = list("host")
        let addresses = list("hostaddr")
        let ports = list("port")
        let count = max(hosts.count, addresses.count, 1)
        let all = (0..<count).map { index in
            let address = index < addresses.count && !addresses[index].isEmpty ? addresses[index] : nil
            let host = address ?? (index < hosts.count ? hosts[index] : "")
            let port = ports.count == 1 ? ports[0] : index < ports.count ? ports[index] : ""
            return "\(Self.oneSpelling(host)):\(port.isEmpty ? "5432" : port)"
        }
        return DatabaseIdentity(addresses: all, name: self["dbname"] ?? "")
    }

    private func list(_ keyword: String) -> [String] {
        self[keyword]?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) ?? []
    }

    /// The usual socket directories and the loopback addresses are one machine's one server on a port.
    private static func oneSpelling(_ host: String) -> String {
        let host = host.lowercased()
        var directory = host
        while directory.count > 1 && directory.hasSuffix("/") { directory.removeLast() }
        switch directory {
        case "", "localhost", "::1", "/run/postgresql", "/var/run/postgresql", "/tmp": return "localhost"
        default:
            if host.hasPrefix("127.") { return "localhost" }
            return directory.hasSuffix(".") ? String(directory.dropLast()) : directory
        }
    }

    static func read(_ text: String) -> Reading<ConnectionText> {
        if text.contains("\0") { return .refused("holds a zero byte") }
        let isURI = text.hasPrefix("postgresql://") || text.hasPrefix("postgres://")
        guard var pairs = isURI ? ConnectionURI.pairs(of: text) : pairs(of: text) else {
            return .refused(isURI ? "is not a URI of PostgreSQL" : "is not made of keyword=value pairs")
        }
        if pairs.contains(where: { $0.keyword == "sslpassword" }) {
            return .refused("holds sslpassword, a secret that this file must not hold")
        }
        let password = pairs.last { $0.keyword == "password" }?.value
        pairs.removeAll { $0.keyword == "password" }
        let read = ConnectionText(parameters: pairs, password: password.map { Secret($0) })
        if (read["dbname"] ?? "").isEmpty && read["service"] == nil { return .refused("does not say dbname=…") }
        return .value(read)
    }

    /// `keyword = 'value with \' and \\'`; `nil` where the text is not so.
    private static func pairs(of text: String) -> [(keyword: String, value: String)]? {
        var pairs: [(keyword: String, value: String)] = []
        var rest = Substring(text).drop(while: \.isWhitespace)
        while !rest.isEmpty {
            let keyword = rest.prefix { $0 != "=" && !$0.isWhitespace }
            rest = rest[keyword.endIndex...].drop(while: \.isWhitespace)
            let isWord = keyword.utf8.allSatisfy { (97...122).contains($0) || $0 == 95 }
            guard isWord, !keyword.isEmpty, rest.first == "=" else { return nil }
            rest = rest.dropFirst().drop(while: \.isWhitespace)
            guard let value = takeValue(from: &rest) else { return nil }
            pairs.append((String(keyword), value))
            rest = rest.drop(while: \.isWhitespace)
        }
        return pairs
    }

    private static func takeValue(from rest: inout Substring) -> String? {
        let isQuoted = rest.first == "'"
        if isQuoted { rest.removeFirst() }
        var value = ""
        while let character = rest.first {
            if !isQuoted && character.isWhitespace { return value }
            rest.removeFirst()
            if isQuoted && character == "'" { return value }
            if character == "\\" {
                guard let escaped = rest.popFirst() else { return nil }
                value.append(escaped)
            } else {
                value.append(character)
            }
        }
        return isQuoted ? nil : value
    }
}

/// `postgresql://user:password@host:port,host:port/dbname?keyword=value`
enum ConnectionURI {
    static func pairs(of text: String) -> [(keyword: String, value: String)]? {
        guard let scheme = text.firstRange(of: "://") else { return nil }
        var rest = text[scheme.upperBound...]
        var pairs: [(keyword: String, value: String)] = []
        if let mark = rest.firstIndex(of: "?") {
            for part in rest[rest.index(after: mark)...].split(separator: "&") {
                let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard sides.count == 2, let value = decoded(sides[1]) else { return nil }
                pairs.append((String(sides[0]), value))
            }
            rest = rest[..<mark]
        }
        if let slash = rest.firstIndex(of: "/") {
            guard let name = decoded(rest[rest.index(after: slash)...]) else { return nil }
            if !name.isEmpty { pairs.append(("dbname", name)) }
            rest = rest[..<slash]
        }
        if let at = rest.lastIndex(of: "@") {
            let sides = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            for (keyword, side) in zip(["user", "password"], sides) {
                guard let value = decoded(side) else { return nil }
                if !value.isEmpty { pairs.append((keyword, value)) }
            }
            rest = rest[rest.index(after: at)...]
        }
        guard !rest.isEmpty else { return pairs }
        return hostPairs(rest).map { $0 + pairs }
    }

    private static func hostPairs(_ text: Substring) -> [(keyword: String, value: String)]? {
        var hosts: [String] = []
        var ports: [String] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let isBracketed = part.first == "["
            let end = isBracketed ? part.firstIndex(of: "]") : part.lastIndex(of: ":") ?? part.endIndex
            guard let end, let host = decoded(isBracketed ? part[..<end].dropFirst() : part[..<end]) else { return nil }
            hosts.append(host)
            let tail = isBracketed ? part[part.index(after: end)...] : part[end...]
            ports.append(String(tail.drop { $0 == ":" }))
        }
        let saysPort = ports.contains { !$0.isEmpty }
        return [("host", hosts.joined(separator: ","))] + (saysPort ? [("port", ports.joined(separator: ","))] : [])
    }

    /// Percent signs resolved.
    private static func decoded(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16),
                value != 0
            else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension SettingKind<ConnectionText> {
    static let connection = SettingKind(
        name: "connection string",
        hint: "Write what libpq takes, in quotes, such as \"host=rec-b.example dbname=callrec user=takeup_reader\"",
        placeholder: ConnectionText(parameters: [], password: nil), holdsSecret: true,
        read: { value in
            guard case .string(let text) = value.content else { return .refused("is \(value.kindName)") }
            return ConnectionText.read(text)
        },
        written: { TOMLText.quoted($0.text) })
}
