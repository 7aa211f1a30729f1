/// Who answers: what a user name and a password belong to.
package struct Origin: Hashable, Sendable, CustomStringConvertible {
    /// `http` or `https`.
    package let scheme: String
    /// Lowercased; an IPv6 address in its brackets.
    package let host: String
    package let port: Int

    package var description: String { "\(scheme)://\(host):\(port)" }
}

/// An address on the web, checked: no name or password in it, no fragment, nothing that would have to be escaped.
package struct HTTPAddress: Hashable, Sendable {
    package let origin: Origin
    /// Escaped; begins with a slash.
    package let path: String
    /// Escaped, without its question mark.
    package let query: String?

    /// Nil for anything but `http(s)://host[:port][/path][?query]`.
    package init?(_ text: String) {
        guard text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }), let colon = text.range(of: "://") else {
            return nil
        }
        let scheme = text[..<colon.lowerBound].lowercased()
        guard scheme == "https" || scheme == "http" else { return nil }
        let rest = text[colon.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let (host, port) = HTTPAddress.hostAndPort(authority) else { return nil }
        origin = Origin(scheme: scheme, host: host, port: port ?? (scheme == "https" ? 443 : 80))
        let target = rest[authority.endIndex...]
        guard !target.contains("#") else { return nil }
        let path = target.prefix { $0 != "?" }
        self.path = path.isEmpty ? "/" : String(path)
        query =
            path.endIndex == target.endIndex ? nil : String(target[target.index(after: path.endIndex)...])
    }

    private init(origin: Origin, path: String, query: String?) {
        self.origin = origin
        self.path = path
        self.query = query
    }

    private static func hostAndPort(_ authority: Substring) -> (host: String, port: Int?)? {
        guard !authority.contains("@") else { return nil }
        var host = authority
        var port: Int?
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            guard let number = Int(authority[authority.index(after: colon)...]), 1...65535 ~= number
            else { return nil }
            port = number
            host = authority[..<colon]
        }
        let isPlain = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"),
                UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ":"):
                true
            default: false
            }
        }
        return host.isEmpty || !isPlain ? nil : (host.lowercased(), port)
    }

    package var text: String { origin.description + path + (query.map { "?" + $0 } ?? "") }

    /// Below this one: each segment escaped, the query gone. A slash at the end of this one does not count.
    package func appending(_ segments: String...) -> HTTPAddress {
        let base = path.hasSuffix("/") ? String(path.dropLast()) : path
        return HTTPAddress(
            origin: origin, path: base + segments.map { "/" + HTTPAddress.escaped($0) }.joined(),
            query: nil)
    }

    /// Another path at the same origin, which is escaped already and begins with a slash.
    package func replacing(path: String) -> HTTPAddress? { HTTPAddress(origin.description + path) }

    package func asking(_ parameters: [(name: String, value: String)]) -> HTTPAddress {
        let query = parameters.map {
            HTTPAddress.escaped($0.name) + "=" + HTTPAddress.escaped($0.value)
        }
        return HTTPAddress(
            origin: origin, path: path, query: query.isEmpty ? nil : query.joined(separator: "&"))
    }

    /// What a link in an answer from here leads to: a whole address, or a path that begins with a slash.
    package func resolving(_ link: String) -> HTTPAddress? {
        link.hasPrefix("/") && !link.hasPrefix("//")
            ? HTTPAddress(origin.description + link) : HTTPAddress(link)
    }

    /// Everything escaped but letters, digits and `-._~`.
    package static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension String {
    fileprivate func range(of part: String) -> Range<String.Index>? { firstRange(of: part) }
}
