internal import FoundationEssentials
package import Glibc
package import HTTP
internal import Synchronization
package import Vocabulary

/// The site of `examples/gir`, running, until the test process ends.
package final class PlaySite: Sendable {
    private struct Facts: Decodable {
        let ports: [String: Int]
        let region: String
        let center: String
        let ops: [String]
        let admin: [String]
        let webdav: [String]

        private enum CodingKeys: String, CodingKey {
            case ports, region, ops, admin, webdav
            case center = "contact_center"
        }
    }

    /// A pair of media that a muxer has to make a result of.
    package struct Pair: Decodable, Sendable {
        package let call: String
        package let media: [String]
        package let late: Bool
        package let encrypted: Bool
        package let milliseconds: Int
        /// Of the call, in milliseconds since 1970.
        package let start: Int
        /// `screen`, `segments`, `agents` or `late`.
        package let kind: String
    }

    /// What the site itself says of the results that it has.
    package struct Verdict: Decodable, Hashable, Sendable {
        package let expected: Int
        package let done: Int
        package let doubles: Int
        package let unexpected: Int
        package let broken: Int
        package let orphans: Int
        package let good: Bool
    }

    /// What who plays the results sees.
    package struct Proof: Decodable, Hashable, Sendable {
        package let results: Int
        package let encrypted: Int
        /// Results that differ in more than the names of their sources.
        package let distinct: Int
        /// Those that do not open, do not decode, or are not as long as the truth says.
        package let wrong: Int
        /// Why the first of these is wrong.
        package let first: String?
    }

    package let directory: String
    package let pairs: [Pair]
    /// Of Python, whose child Apache is.
    package let process: pid_t
    private let facts: Facts
    private let control = HTTPClient()

    /// Shared by all tests of a process. 150 recordings, of which about half are encrypted.
    package static let shared = Result { try PlaySite(recordings: 150) }
    private static let count = Atomic<Int>(0)
    /// The first site of this process: media and keys are made once.
    private static let first = Mutex<String?>(nil)
    private static var program: String {
        FilePath(#filePath).parent.parent.parent.appending("examples/gir/gir").displayText
    }

    /// - Parameters:
    ///   - results: as many recordings as make so many results, late ones not counted; nil: `recordings`.
    ///   - minutes: how far back the recordings reach.
    package init(
        recordings: Int = 0, results: Int? = nil, encrypted: Double = 0.5, minutes: Int = 720, seed: Int = 1
    ) throws {
        let program = PlaySite.program
        let number = PlaySite.count.add(1, ordering: .relaxed).newValue
        directory = "/tmp/takeup-gir-\(getpid())-\(number)"
        let size = results.map { ["--results", "\($0)"] } ?? ["--recordings", "\(recordings)"]
        let like = PlaySite.first.withLock { $0 }.map { ["--like", $0] } ?? []
        try ChildProcess.run(
            [
                "/usr/bin/python3", "-B", program, "make", directory, "--encrypted", "\(encrypted)",
                "--span-minutes", "\(minutes)", "--seed", "\(seed)",
            ] + size + like)
        PlaySite.first.withLock { [directory] in if $0 == nil { $0 = directory } }
        facts = try JSONDecoder().decode(
            Facts.self, from: try PlaySite.contents("\(directory)/site.json"))
        pairs = try JSONDecoder().decode(
            [Pair].self, from: try PlaySite.contents("\(directory)/truth.json"))
        // The site ends, and removes itself, when the other end of its standard input is closed: with this process.
        var ends: [CInt] = [0, 0]
        guard pipe(&ends) == 0, ends.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
            throw ChildProcess.Failure(description: "no pipe for the site")
        }
        let log = "\(directory)/log/site.log"
        let command = [
            "/usr/bin/python3", "-B", program, "run", directory, "--until-input-ends", "--and-remove",
        ]
        process = try ChildProcess(command, input: ends[0], outputPath: log).id
        close(ends[0])
        for _ in 0..<1200 {
            if let text = try? PlaySite.contents(log),
                String(decoding: text, as: UTF8.self).contains("ready")
            {
                return
            }
            usleep(50_000)
        }
        throw ChildProcess.Failure(description: "the play site did not start: see \(log)")
    }

    private static func contents(_ path: String) throws -> Data {
        guard let file = fopen(path, "r") else {
            throw ChildProcess.Failure(description: "\(path) cannot be read")
        }
        defer { fclose(file) }
        var bytes = Data()
        var block = [UInt8](repeating: 0, count: 65536)
        while case let count = fread(&block, 1, block.count, file), count > 0 {
            bytes.append(contentsOf: block[..<count])
        }
        return bytes
    }

    package var authorities: FilePath { FilePath("\(directory)/tls/ca.pem") }
    package var contactCenter: String { facts.center }
    package var region: String { facts.region }

    /// `rws`, `rcs`, `dav` or `control`.
    package func address(_ service: String) -> HTTPAddress {
        let scheme = service == "control" ? "http" : "https"
        guard let port = facts.ports[service],
            let address = HTTPAddress("\(scheme)://127.0.0.1:\(port)")
        else {
            preconditionFailure("the site has no service \(service)")
        }
        return address
    }

    /// User and password of `ops`, `admin` (RCS) or `webdav`.
    package func account(_ name: String) -> [String] {
        switch name {
        case "ops": facts.ops
        case "admin": facts.admin
        default: facts.webdav
        }
    }

    /// Logins of all services at their origins.
    package var logins: [Origin: HTTPClient.Login] {
        func login(_ account: [String]) -> HTTPClient.Login {
            HTTPClient.Login(user: account[0], password: { account[1] })
        }
        return [
            address("rws").origin: login(facts.ops), address("rcs").origin: login(facts.admin),
            address("dav").origin: login(facts.webdav),
        ]
    }

    @discardableResult
    package func tell(_ method: String, _ path: String, _ json: String = "") async throws -> [UInt8] {
        let body: HTTPRequest.Body =
            json.isEmpty ? .none : .bytes(Array(json.utf8), type: "application/json")
        let request = HTTPRequest(method, address("control").appending(path), body: body)
        let answer = try await control.send(request, doing: "tell the play site")
        guard answer.isSuccess else {
            throw ChildProcess.Failure(description: "\(path): \(answer.excerpt)")
        }
        return answer.body
    }

    /// No faults, no counts, every choice as it was made.
    package func calm() async throws {
        try await tell("DELETE", "faults")
        try await tell("DELETE", "requests")
        try await tell(
            "POST", "choices",
            #"{"csrf": true, "page_links": ["previousUri", "nextUri"], "page_links_absolute": false, "index_lag": 0,"#
                + #" "bulk_path": "bulk", "same_media_id": "refuse", "screen_envelopes": true, "removes_file": true,"#
                + #" "version": "8.5.201.90", "names_itself": null,"#
                + #" "rcs_has_center": false, "store": "apache"}"#)
    }

    /// Servers that the site's store can be, of those that `make deps` could bring.
    package static let stores = ["apache", "rclone", "nginx", "wsgidav"].filter { store in
        let unpacked = FilePath(#filePath).parent.parent.parent.appending(".build/stores").displayText
        let programs = [
            "nginx": ["\(unpacked)/nginx/usr/sbin/nginx", "/usr/sbin/nginx"], "wsgidav": ["\(unpacked)/wsgidav"],
        ]
        return programs[store]?.contains { access($0, X_OK) == 0 } ?? true
    }

    /// How many connections to the store were cut or held up since it was calm.
    package func cutCount() async throws -> Int {
        struct Met: Decodable {
            let service: String
            let met: Int
        }
        let rules = try JSONDecoder().decode([Met].self, from: Data(try await tell("GET", "faults")))
        return rules.filter { $0.service == "webdav" }.map(\.met).reduce(0, +)
    }

    package func fault(_ json: String) async throws { try await tell("POST", "faults", json) }
    package func choose(_ json: String) async throws { try await tell("POST", "choices", json) }

    /// How many requests there were since it was calm whose kind contains all of the words.
    package func requestCount(_ words: String...) async throws -> Int {
        let counts = try JSONDecoder().decode(
            [String: Int].self, from: Data(try await tell("GET", "requests")))
        return counts.filter { kind, _ in words.allSatisfy { kind.contains($0) } }.values.reduce(0, +)
    }

    package func verdict() async throws -> Verdict {
        try JSONDecoder().decode(Verdict.self, from: Data(try await tell("GET", "verdict")))
    }

    /// Opens each result, with openssl, ffprobe and ffmpeg.
    package func proof() throws -> Proof {
        let output = "\(directory)/log/proof.json"
        let code = try ChildProcess(
            ["/usr/bin/python3", "-B", PlaySite.program, "proof", directory], outputPath: output
        ).wait()
        let text = try PlaySite.contents(output)
        unlink(output)
        guard let proof = try? JSONDecoder().decode(Proof.self, from: text) else {
            throw ChildProcess.Failure(
                description: "no proof, exit code \(code): \(String(decoding: text, as: UTF8.self).suffix(2000))")
        }
        return proof
    }

    /// How often each kind of question was asked since it was calm.
    package func requests() async throws -> [String: Int] {
        try JSONDecoder().decode([String: Int].self, from: Data(try await tell("GET", "requests")))
    }

    /// The site's muxer.cfg, with other values: `["processing.temp_dir": "/x"]`; nil takes a line out.
    package func muxerFile(_ changes: [String: String?] = [:]) throws -> String {
        let own = String(decoding: try PlaySite.contents("\(directory)/muxer.cfg"), as: UTF8.self)
        var section = ""
        var open = changes
        var lines: [String] = []
        func rest(of section: String) -> [String] {
            open.filter { $0.key.hasPrefix(section + ".") }.compactMap { key, value in
                value.map { "\(key.dropFirst(section.count + 1)) = \($0)" }
            }
        }
        for line in own.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("[") {
                lines += rest(of: section)
                open = open.filter { !$0.key.hasPrefix(section + ".") }
                section = String(line.dropFirst().prefix { $0 != "]" })
            }
            let key = section + "." + line.prefix { $0 != "=" }.split(separator: " ").joined()
            if let value = open.removeValue(forKey: key) {
                if let value { lines.append("\(key.dropFirst(section.count + 1)) = \(value)") }
            } else {
                lines.append(line)
            }
        }
        return (lines + rest(of: section)).joined(separator: "\n")
    }

    /// The file of the store with such a name.
    package func stored(_ path: String) throws -> [UInt8] {
        Array(try PlaySite.contents("\(directory)/www/\(path)"))
    }
    package func pool(_ path: String) throws -> [UInt8] {
        Array(try PlaySite.contents("\(directory)/pool/\(path)"))
    }
}
