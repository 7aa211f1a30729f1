import Testing

/// What `make install` puts where.
@Suite struct InstallTests {
    @Test func `documents, scripts and units are installed so that every link between them leads somewhere`() throws {
        try withScratchDirectory { root in
            let installed = try run(
                "cd '\(packageDirectory)' && TAKEUP_BINARY=/usr/bin/true .ci/install '\(root)' /opt/takeup")
            #expect(installed.code == 0, "\(installed.output)")
            let documents = root + "/opt/takeup/share/doc/takeup"
            for script in ["source-role", "source-notify", "replay-role", "replay-tombstones"] {
                #expect(try run("test -s '\(documents)/units/sql/\(script).sql'").code == 0, "\(script)")
            }
            let links = try run("cd '\(packageDirectory)' && .ci/docs '\(documents)'")
            #expect(links.code == 0, "\(links.output)")
            let unit = try contents(of: root + "/opt/takeup/lib/systemd/system/takeup@.service")
            #expect(unit.contains("ExecStart=/opt/takeup/bin/takeup "))
            let page = "file:///opt/takeup/share/doc/takeup/"
            let named = unit.split(separator: "\n").first { $0.hasPrefix("Documentation=\(page)") }
            let path = try #require(named).dropFirst("Documentation=file://".count)
            #expect(try run("test -s '\(root)\(path)'").code == 0, "\(path)")
        }
    }
}
