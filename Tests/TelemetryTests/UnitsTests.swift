import Testing

@testable import Telemetry

/// What systemd's own tools say of the units. Exposure figures are those of systemd 252; other versions weigh anew.
@Suite struct UnitsTests {
    private static let instances = [
        "takeup": "takeup@mnt-rec\\x2dB-calls", "takeup-mux": "takeup-mux@1", "takeup-gir": "takeup-gir@1",
    ]
    /// Of the units that are no templates.
    private static let plain: Set = ["takeup-scrub"]
    private static func file(_ name: String) -> String { name + (plain.contains(name) ? ".service" : "@.service") }

    /// Units in a directory of their own, with a program that exists, and one drop-in.
    private func withUnit<Result>(
        _ name: String, dropIn: String? = nil, _ body: (_ file: String, _ directory: String) throws -> Result
    ) throws -> Result {
        try withScratchDirectory { directory in
            let unit = try contents(of: packageDirectory + "/units/" + Self.file(name))
            #expect(unit.contains("ExecStart=/usr/bin/takeup "))
            let runnable = unit.replacing("ExecStart=/usr/bin/takeup ", with: "ExecStart=/usr/bin/true ")
            let file = "\(directory)/\(Self.instances[name] ?? name).service"
            try write(runnable, to: "\(directory)/\(Self.file(name))")
            try write(runnable, to: file)
            if let dropIn {
                _ = try run("mkdir '\(directory)/\(Self.file(name)).d'")
                let text = try contents(of: packageDirectory + "/units/drop-ins/\(dropIn).conf")
                try write(text, to: "\(directory)/\(Self.file(name)).d/\(dropIn).conf")
            }
            return try body(file, directory)
        }
    }

    @Test(
        arguments: ["takeup", "takeup-mux", "takeup-gir", "takeup-scrub"],
        [nil, "site", "gir", "keys", "read-other-users", "preserve-owner"])
    func `systemd-analyze verify is silent`(name: String, dropIn: String?) throws {
        try withUnit(name, dropIn: dropIn) { file, directory in
            let verified = try run("SYSTEMD_UNIT_PATH='\(directory):' systemd-analyze verify '\(file)'")
            #expect(verified.output.isEmpty)
            #expect(verified.code == 0)
        }
    }

    /// Thresholds are in tenths: 12 lets 1.2 pass and 1.3 fail.
    @Test(arguments: [
        ("takeup", nil, 12), ("takeup", "site", 13), ("takeup", "keys", 12), ("takeup", "read-other-users", 15),
        ("takeup", "preserve-owner", 18), ("takeup-mux", nil, 16), ("takeup-scrub", nil, 12),
        ("takeup-scrub", "site", 13), ("takeup-gir", nil, 16), ("takeup-gir", "gir", 16),
    ])
    func `exposure is what the unit says of itself`(name: String, dropIn: String?, tenths: Int) throws {
        try withUnit(name, dropIn: dropIn) { file, directory in
            let analyze = "SYSTEMD_UNIT_PATH='\(directory):' systemd-analyze security --offline=yes --no-pager"
            let atFigure = try run("\(analyze) --threshold=\(tenths) '\(file)'")
            let below = try run("\(analyze) --threshold=\(tenths - 1) '\(file)'")
            #expect(atFigure.code == 0 && below.code != 0)
            let said = dropIn.map { "units/drop-ins/\($0).conf" } ?? "units/" + Self.file(name)
            let figure = "by systemd-analyze 252: \(tenths / 10).\(tenths % 10)"
            #expect(try contents(of: packageDirectory + "/" + said).contains(figure))
        }
    }

    @Test func `the agent outlives its mount and names it by the instance`() throws {
        let unit = try contents(of: packageDirectory + "/units/takeup@.service").split(separator: "\n")
        let settings = unit.filter { !$0.hasPrefix("#") }
        #expect(
            settings.contains { $0.hasPrefix("Wants=%i.mount") } && settings.contains { $0.hasPrefix("After=%i.mount") }
        )
        #expect(!settings.contains { $0.hasPrefix("BindsTo=") || $0.hasPrefix("Requires") })
        #expect(settings.contains { $0.hasPrefix("ExecStart=") && $0.hasSuffix("--mount %f") })
        for wanted in ["Type=notify", "NotifyAccess=main", "WatchdogSec=30", "SystemCallErrorNumber=EPERM"] {
            #expect(settings.contains(Substring(wanted)))
        }
    }

    @Test func `the scrub is started by its timer, which survives a host that was off`() throws {
        try withUnit("takeup-scrub") { _, directory in
            let timer = try contents(of: packageDirectory + "/units/takeup-scrub.timer")
            try write(timer, to: "\(directory)/takeup-scrub.timer")
            let verified = try run(
                "SYSTEMD_UNIT_PATH='\(directory):' systemd-analyze verify '\(directory)/takeup-scrub.timer'")
            #expect(verified.output.isEmpty && verified.code == 0, "\(verified.output)")
            let lines = timer.split(separator: "\n")
            #expect(lines.contains("OnCalendar=hourly") && lines.contains("Persistent=yes"))
            #expect(try run("systemd-analyze calendar hourly").code == 0)
        }
    }

    @Test func `the user and the directories can be made`() throws {
        try withScratchDirectory { root in
            _ = try run("mkdir -p '\(root)/etc' '\(root)/run'")
            let made = try run("systemd-sysusers --root='\(root)' '\(packageDirectory)/units/takeup.sysusers'")
            #expect(made.code == 0, "\(made.output)")
            #expect(try contents(of: root + "/etc/passwd").hasPrefix("takeup:"))
            let checked = try run(
                "systemd-tmpfiles --root='\(root)' --create '\(packageDirectory)/units/takeup.tmpfiles'")
            #expect(checked.code == 0 && checked.output.isEmpty, "\(checked.output)")
            #expect(try run("test -d '\(root)/etc/takeup/keys' && test -d '\(root)/var/lib/takeup'").code == 0)
        }
    }
}
