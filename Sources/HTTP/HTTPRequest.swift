/// A request, and how patient it is.
package struct HTTPRequest: Sendable {
    package enum Body: Sendable {
        case none
        case bytes([UInt8], type: String)
        /// The first so many bytes of an open file, read by position. The file has to stay open until there is an answer.
        case file(descriptor: CInt, byteCount: Int64)
    }

    package struct Patience: Hashable, Sendable {
        /// To make a connection, TLS included.
        package var connect: Duration
        /// Without a byte in either direction.
        package var silence: Duration
        /// For the whole.
        package var total: Duration

        package init(
            connect: Duration = .seconds(10), silence: Duration = .seconds(30), total: Duration
        ) {
            self.connect = connect
            self.silence = silence
            self.total = total
        }

        /// Questions and their answers: metadata.
        package static let question = Patience(total: .seconds(60))
        /// Media.
        package static let transfer = Patience(total: .seconds(3600))
    }

    package let method: String
    package let address: HTTPAddress
    package var headers: [(name: String, value: String)]
    package var body: Body
    package var patience: Patience
    /// Most bytes of an answer that is a success.
    package var mostBytes: Int64
    /// Whether doing it twice would make two of something: then a connection of its own is made, because libcurl
    /// sends a request a second time where a connection that it used before turns out to be dead.
    package var createsSomething: Bool

    package init(
        _ method: String, _ address: HTTPAddress, headers: [(name: String, value: String)] = [],
        body: Body = .none,
        patience: Patience = .question, mostBytes: Int64 = 32 << 20, createsSomething: Bool = false
    ) {
        self.method = method
        self.address = address
        self.headers = headers
        self.body = body
        self.patience = patience
        self.mostBytes = mostBytes
        self.createsSomething = createsSomething
    }
}

/// What a server said.
package struct HTTPAnswer: Sendable {
    package let status: Int
    /// Names lowercased; in the order of their coming where one comes twice.
    package let headers: [String: [String]]
    /// Of a success all of it, unless a sink took it; of anything else ``mostOfRefusal`` bytes at most.
    package let body: [UInt8]

    package var isSuccess: Bool { (200..<300).contains(status) }

    /// How much of an answer is kept that is no success: some servers send pages of a megabyte.
    package static let mostOfRefusal = 64 << 10

    package func header(_ name: String) -> String? { headers[name]?.first }

    /// The start of the body for a person: one line, at most 200 characters, without markup, and of all words those alone that
    /// ``PlainWords`` knows: the others may be ids, phone numbers or names.
    package var excerpt: String {
        var plain = ""
        var isMarkup = false
        for character in String(decoding: body.prefix(4096), as: UTF8.self) {
            if character == "<" { isMarkup = true }
            plain.append(isMarkup ? " " : character)
            if character == ">" { isMarkup = false }
        }
        return String(PlainWords.told(of: plain).prefix(200))
    }
}
