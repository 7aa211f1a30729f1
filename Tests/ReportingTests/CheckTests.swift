import Reporting
import Testing

@Suite struct CheckTests {
    @Test func `one that hangs is told as late, and the others are not held up`() async {
        let start = ContinuousClock.now
        let checks = [
            Check(late: CheckFinding(.fail, "one", "late")) {
                // Neither ends by itself nor by being cancelled.
                await withCheckedContinuation { Hung.keep($0) }
                return []
            },
            Check(late: nil) { [CheckFinding(.ok, "two", "there"), CheckFinding(.warn, "two", "more")] },
            Check(late: nil) {
                await withCheckedContinuation { Hung.keep($0) }
                return []
            },
        ]
        let findings = await Check.run(checks, limit: .milliseconds(50))
        #expect(findings.map(\.subject) == ["one", "two", "two"])
        #expect(findings.map(\.what) == ["late", "there", "more"])
        #expect(ContinuousClock.now - start < .seconds(5))
    }
}

private enum Hung {
    /// Held for ever: a continuation that is let go of complains.
    static func keep(_ continuation: CheckedContinuation<Void, Never>) {
        _ = Unmanaged.passRetained(Box(continuation))
    }
    private final class Box {
        let continuation: CheckedContinuation<Void, Never>
        init(_ continuation: CheckedContinuation<Void, Never>) { self.continuation = continuation }
    }
}

@Suite struct CheckPageTests {
    private let findings = [
        CheckFinding(.ok, "settings", "/etc/takeup/takeup.toml"),
        CheckFinding(
            .warn, "volume a", "It is past its watermark.", hint: "Free space, raise the watermark, or add a volume."),
        CheckFinding(
            .fail, "source rec_cluster_A", "callrec at 10.20.0.11:5432: connection refused",
            hint: "Check that the server runs."),
    ]

    private func text(_ findings: [CheckFinding], columns: Int?, isColoured: Bool = false) -> String {
        CheckPage(findings).lines(columns: columns).map { $0.text(isColoured: isColoured) }.joined(separator: "\n")
    }

    @Test func `findings are aligned, with the hint under each and the sum at the end`() {
        #expect(
            text(findings, columns: nil) == """
                ok    settings              /etc/takeup/takeup.toml
                warn  volume a              It is past its watermark.
                                            Free space, raise the watermark, or add a volume.
                fail  source rec_cluster_A  callrec at 10.20.0.11:5432: connection refused
                                            Check that the server runs.

                1 failure and 1 warning.
                """)
        #expect(CheckPage(findings).hasFailure)
    }

    @Test func `a narrow terminal gets wrapped texts`() {
        #expect(
            text(Array(findings.prefix(2)), columns: 46) == """
                ok    settings  /etc/takeup/takeup.toml
                warn  volume a  It is past its watermark.
                                Free space, raise the
                                watermark, or add a volume.

                No failure, 1 warning.
                """)
        #expect(!CheckPage(Array(findings.prefix(2))).hasFailure)
    }

    @Test func `colour says nothing that words don't`() {
        #expect(
            text(Array(findings.prefix(1)), columns: nil, isColoured: true) == """
                \u{1B}[32mok    \u{1B}[0msettings  /etc/takeup/takeup.toml

                \u{1B}[32mEverything is as it should be.\u{1B}[0m
                """)
    }
}
