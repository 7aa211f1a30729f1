import Copying
import Files
import Glibc
import Synchronization
import Telemetry
import Testing
import Vocabulary

@testable import Delivery

private final class TestClock: Sendable {
    private let time = Mutex(Duration.zero)
    var now: Duration { time.withLock { $0 } }
    func pass(_ span: Duration) { time.withLock { $0 += span } }
}

@Suite struct CopyFaultTests {
    /// Those of which the copy itself says nothing are left out.
    private static let event: [CopyError.Code: Event] = [
        .sourceChanged: .sourceChanged, .sourceUnreadable: .sourceUnreadable, .sourceEscapes: .pathRefused,
        .crcMismatch: .digestMismatch, .volumeFull: .copyEnospc, .inodes: .copyInodes, .quota: .copyQuota,
        .volumeReadOnly: .copyReadonly, .volumeAbsent: .copyVolumeGone, .volumeReplaced: .copyWrongDisk,
        .volumeStale: .copyStale, .digestMismatch: .verifyMismatch, .durability: .durabilityFailed,
        .nameConflict: .nameConflict, .unsupportedName: .copyUnsupported, .notPermitted: .copyDenied,
        .timeout: .copyHung, .inputOutput: .durabilityFailed, .exhausted: .resourceLimit,
    ]
    private static let untold: Set<CopyError.Code> = [.sourceMissing, .leaseLost, .cancelled]

    @Test(arguments: CopyError.Code.allCases)
    func `each fault has its own event, and no other has it`(code: CopyError.Code) throws {
        let expected = CopyFaultTests.event[code]
        #expect((expected == nil) == CopyFaultTests.untold.contains(code))
        for step in CopyError.Step.allCases {
            let fault = CopyFault(CopyError(code, at: step))
            let isReserving = code == .volumeFull && step <= .reserve
            #expect(fault?.event == (isReserving ? .reserveRefused : expected), "\(code) at \(step)")
            if let fault { #expect(!fault.reason.isEmpty && fault.event.declaration.facts.contains(.reason)) }
        }
        // What the kernel could not make durable, whichever call said so, is one fault with several reasons.
        guard let expected, expected != .durabilityFailed else { return }
        #expect(CopyFaultTests.event.values.count { $0 == expected } == 1)
    }

    @Test func `what ran out is said by name, never as a plain disk that is full`() {
        func fault(_ code: CopyError.Code, _ step: CopyError.Step = .copy) -> CopyFault? {
            CopyFault(CopyError(code, at: step))
        }
        #expect(fault(.volumeFull)?.resource == .bytes && fault(.volumeFull, .reserve)?.resource == .bytes)
        #expect(fault(.inodes)?.resource == .inodes && fault(.quota)?.resource == .quota)
        #expect(fault(.volumeReadOnly)?.resource == nil && fault(.timeout)?.resource == nil)
        #expect(
            fault(.volumeAbsent, .prepare)?.reason == "absent" && fault(.volumeAbsent, .settle)?.reason == "unmounted")
    }

    @Test(arguments: [
        (FileCall.write, CopyError.Step.copy, "write"), (.syncFile, .sync, "fsync"), (.close, .publish, "close"),
        (.read, .verify, "read-back"), (.syncDirectory, .settle, "directory"), (.link, .publish, "publish"),
        (.allocate, .reserve, "reserve"),
    ])
    func `a volume that fails says at what`(call: FileCall, step: CopyError.Step, reason: String) {
        let error = CopyError(volume: FileError(call, number: EIO), at: step)
        #expect(CopyFault(error)?.event == .durabilityFailed && CopyFault(error)?.reason == reason)
    }

    @Test(arguments: [
        (ENAMETOOLONG, FileCall.link, "name-too-long"), (EFBIG, .allocate, "size"), (EINVAL, .makeDirectory, "name"),
        (EILSEQ, .createNamed, "name"), (EINVAL, .rename, "name"),
    ])
    func `a volume that cannot hold a file says why`(number: CInt, call: FileCall, reason: String) {
        let error = CopyError(volume: FileError(call, number: number), at: .publish)
        #expect(CopyFault(error)?.event == .copyUnsupported && CopyFault(error)?.reason == reason)
    }

    @Test(arguments: [
        (EIO, "disk"), (ESTALE, "server"), (ETIMEDOUT, "server"), (EACCES, "rights"), (EISDIR, "other"),
    ])
    func `an original that cannot be read says why`(number: CInt, reason: String) {
        let error = CopyError(source: FileError(.read, number: number), at: .copy)
        #expect(CopyFault(error)?.event == .sourceUnreadable && CopyFault(error)?.reason == reason)
        #expect(CopyFault(error)?.side == .original)
    }

    @Test func `what is met again and again is told once a minute, with its number`() {
        let clock = TestClock()
        let paced = PacedTelling<String>(period: .seconds(60)) { clock.now }
        #expect(paced.count("a") == 1)
        #expect(paced.count("a", times: 4) == nil)
        #expect(paced.count("b", times: 2) == 2)
        clock.pass(.seconds(59))
        #expect(paced.count("a") == nil)
        clock.pass(.seconds(1))
        #expect(paced.count("a") == 6)
        #expect(paced.count("a") == nil)
        clock.pass(.seconds(3600))
        #expect(paced.count("a") == 2)
    }
}
