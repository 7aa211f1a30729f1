import Glibc
import HTTP
import Planning
import Support
import Testing
import Vocabulary

@testable import Interaction

/// Real servers that ignore conditions; rclone keeps what came of an upload that was cut, too.
@Suite(.serialized) struct CarelessStoreTests {
    enum Server: CaseIterable {
        case rclone
        case nginx

        var program: String {
            switch self {
            case .rclone: "/usr/bin/rclone"
            case .nginx: "/usr/sbin/nginx"
            }
        }

        /// Debian's nginx starts a service of its own, so it is used where it is installed anyway.
        static var installed: [Server] {
            allCases.filter { $0 == .rclone || access($0.program, X_OK) == 0 }
        }

        func command(directory: String, port: Int) -> [String] {
            switch self {
            case .rclone:
                [
                    program, "serve", "webdav", directory + "/kept", "--addr", "127.0.0.1:\(port)", "--user",
                    "u", "--pass",
                    "p", "--config", directory + "/none",
                ]
            case .nginx: [program, "-c", directory + "/nginx.conf", "-p", directory]
            }
        }

        func prepare(directory: String, port: Int) {
            let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
                "\($0)_temp_path \(directory)/\($0);"
            }
            let user = geteuid() == 0 ? "user root;" : ""
            let configuration = """
                daemon off; pid \(directory)/pid; error_log \(directory)/log; \(user) events {}
                http { access_log off; \(paths.joined(separator: " ")) server { listen 127.0.0.1:\(port); root \(directory)/kept;
                location / { auth_basic dav; auth_basic_user_file \(directory)/users; client_max_body_size 0;
                dav_methods PUT DELETE MKCOL COPY MOVE; create_full_put_path on; } } }
                """
            for (name, text) in [("nginx.conf", configuration), ("users", "u:{PLAIN}p\n")] {
                guard let file = fopen("\(directory)/\(name)", "w") else { continue }
                fputs(text, file)
                fclose(file)
            }
        }
    }

    private func withStore(
        _ kind: Server, _ body: (HTTPAddress, HTTPClient, String) async throws -> Void
    ) async throws {
        let directory = "/tmp/takeup-store-\(kind)-\(getpid())"
        mkdir(directory, 0o700)
        mkdir(directory + "/kept", 0o700)
        let port = try freePort()
        kind.prepare(directory: directory, port: port)
        let server = try ChildProcess(
            kind.command(directory: directory, port: port), outputPath: directory + "/output")
        defer {
            server.send(SIGTERM)
            server.wait()
            _ = try? ChildProcess.run(["/bin/rm", "-r", directory])
        }
        let base = try #require(HTTPAddress("http://127.0.0.1:\(port)/"))
        let client = HTTPClient(logins: [base.origin: .init(user: "u", password: { "p" })])
        for _ in 0..<200 {
            if (try? await client.send(HTTPRequest("GET", base), doing: "wait for the store")) != nil {
                break
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        try await body(base, client, directory + "/kept/")
    }

    private func freePort() throws -> Int {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length)
                getsockname(descriptor, $0, &length)
            }
            return Int(UInt16(bigEndian: pointer.pointee.sin_port))
        }
    }

    private func publish(_ bytes: [UInt8], at base: HTTPAddress, _ client: HTTPClient) async throws
        -> WebDAV.Publication
    {
        let file = ScratchFile(bytes)
        return try await WebDAV(asking: Asking(client: client)).publish(
            file.descriptor, byteCount: Int64(bytes.count), digest: Digest(of: bytes),
            stage: base.appending("a.part"),
            target: base.appending("a.mp4"))
    }

    /// Breaks an upload off, because its file is shorter than was said.
    private func breakOff(_ address: HTTPAddress, _ client: HTTPClient) async {
        let file = ScratchFile(content(100_000))
        let request = HTTPRequest(
            "PUT", address, body: .file(descriptor: file.descriptor, byteCount: 900_000))
        await #expect(throws: HTTPFailure.self) { try await client.send(request, doing: "break off") }
    }

    @Test func `what an upload that was cut left behind is never taken for whole`() async throws {
        try await withStore(.rclone) { base, client, kept in
            await breakOff(base.appending("a.part"), client)
            // The reason for all this: a short file, as if nothing had happened.
            var left = stat()
            for _ in 0..<100 where stat(kept + "a.part", &left) != 0 || left.st_size == 0 {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect((1..<900_000).contains(left.st_size))
            let bytes = content(900_000)
            #expect(try await publish(bytes, at: base, client) == .published)
            var whole = stat()
            #expect(stat(kept + "a.mp4", &whole) == 0 && whole.st_size == 900_000)
            #expect(stat(kept + "a.part", &left) != 0)
        }
    }

    @Test(arguments: Server.installed)
    func `where conditions are ignored nothing is overwritten all the same`(server: Server)
        async throws
    {
        try await withStore(server) { base, client, _ in
            let bytes = content(1000)
            #expect(try await publish(bytes, at: base, client) == .published)
            let file = ScratchFile([1])
            let condition = HTTPRequest(
                "PUT", base.appending("b"), headers: [("If-None-Match", "*")],
                body: .file(descriptor: file.descriptor, byteCount: 1))
            for _ in 0..<2 {
                let answer = try await client.send(condition, doing: "try")
                #expect(answer.isSuccess)
            }
            #expect(
                try await publish([2], at: base, client)
                    == .otherStands(byteCount: 1000, digest: Digest(of: bytes)))
            #expect(try await publish(bytes, at: base, client) == .stoodAlready)
        }
    }
}
