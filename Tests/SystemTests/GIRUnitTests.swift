import Glibc
import Support
import Testing
import Vocabulary

/// The unit of a GIR site as it ships, with its sandbox, its user and its credentials, under a systemd of the test's own, beside
/// a site to play with.
@Suite(.serialized, .enabled(if: PrivateSystemd.isPossible, "only root may start a systemd of its own"))
struct GIRUnitTests {
    private static var root: String { FilePath(#filePath).parent.parent.parent.displayText }

    @Test(.timeLimit(.minutes(3)))
    func
        `a worker runs from muxer.cfg with passwords of the credential store, and is not started again with a file that is refused`()
        async throws
    {
        var pattern = Array("/tmp/takeup-unit-XXXXXX".utf8CString)
        try #require(mkdtemp(&pattern) != nil)
        let place = String(decoding: pattern.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { _ = try? ChildProcess.run(["/bin/rm", "-rf", "--one-file-system", place]) }
        try ChildProcess.run(["/bin/chmod", "a+rx", place])
        try ChildProcess.run([
            "/usr/bin/python3", "-B", Self.root + "/examples/gir/gir", "make", place + "/site", "--recordings", "3",
            "--encrypted", "0.5", "--seed", "4",
        ])
        // Passwords go to the credential store; where results are made and what is told of them is left to the unit.
        let secrets = place + "/secrets"
        try ChildProcess.run(["/bin/mkdir", secrets])
        try ChildProcess.run([
            "/usr/bin/python3", "-c",
            #"""
            import sys
            place, section = sys.argv[1], ""
            with open(f"{place}/site/muxer.cfg") as file, open(f"{place}/muxer.cfg", "w") as to:
                for line in file:
                    name, _, value = (part.strip() for part in line.partition("="))
                    section = line.strip()[1:-1] if line.startswith("[") else section
                    if name == "password":
                        with open(f"{place}/secrets/{section}_password", "w") as secret:
                            secret.write(value + "\n")
                    to.write(f"{name} =\n" if name in ("password", "temp_dir", "logfile_path") else line)
            """#, place,
        ])
        let binary = FilePath(try ScratchSite.builtProgram())
        let systemd = try await PrivateSystemd(
            units: [
                "takeup-gir@.service": try ScratchSite.repositoryFile("units/takeup-gir@.service"),
                "takeup-gir@.service.d/gir.conf": """
                [Service]
                ExecStart=
                ExecStart=/srv/bin/takeup mux --config-file /etc/takeup/muxer.cfg $TAKEUP_MUX_OPTIONS
                Environment="TAKEUP_MUX_OPTIONS=--ca-file /srv/place/site/tls/ca.pem"
                """,
                "playsite.service": """
                [Service]
                ExecStart=/usr/bin/python3 -B /srv/gir/gir run /srv/place/site
                """,
            ],
            binds: [
                (place, "/srv/place"), (Self.root + "/examples/gir", "/srv/gir"),
                (binary.parent.displayText, "/srv/bin"),
            ], users: Self.root + "/units/takeup.sysusers")
        try systemd.run(
            """
            install -D -m 640 -o root -g takeup /srv/place/muxer.cfg /etc/takeup/muxer.cfg
            for name in htcc rcs webdav; do install -D -m 600 /srv/place/secrets/${name}_password /etc/credstore/${name}_password; done
            systemctl start playsite takeup-gir@1
            """)
        func journal() throws -> String { try systemd.run("journalctl -o cat --no-pager -u takeup-gir@1") }
        let end = ContinuousClock.now + .seconds(60)
        let verdict = "python3 -B /srv/gir/gir verdict /srv/place/site"
        while try systemd.run("\(verdict) >/dev/null 2>&1 && echo good || echo bad") != "good\n",
            ContinuousClock.now < end
        {
            try await Task.sleep(for: .milliseconds(200))
        }
        let told = try journal()
        #expect(try systemd.run("\(verdict) || true").contains(#""good": true"#), "\(told)")
        #expect(try systemd.run("systemctl is-active takeup-gir@1 || true") == "active\n")
        #expect(try systemd.run("systemctl show -P NRestarts takeup-gir@1") == "0\n")
        #expect(!told.contains("TAKEUP_MUX_OPTIONS") && !told.contains("clear bytes"), "\(told)")
        let log = try systemd.run("cat /var/log/takeup-gir/1/takeup-mux.log")
        #expect(log.contains("The site has result"))
        for name in ["htcc", "rcs", "webdav"] {
            let secret = String(decoding: try readSample("\(secrets)/\(name)_password"), as: UTF8.self).filter {
                $0 != "\n"
            }
            #expect(!secret.isEmpty && !(told + log).contains(secret))
        }
        try systemd.run("systemctl stop takeup-gir@1")
        #expect(try systemd.run("systemctl show -P Result takeup-gir@1") == "success\n")
        #expect(try systemd.run("ls /run/takeup-gir 2>/dev/null | wc -l") == "0\n")

        try systemd.run(
            "sed -i 's/^base_uri .*/base_uri = nowhere/' /etc/takeup/muxer.cfg; ! systemctl start takeup-gir@1")
        let refused = try journal()
        #expect(try systemd.run("systemctl is-active takeup-gir@1 || true") == "failed\n", "\(refused)")
        #expect(try systemd.run("systemctl show -P ExecMainStatus takeup-gir@1") == "78\n")
        #expect(try systemd.run("systemctl show -P NRestarts takeup-gir@1") == "0\n")
    }
}
