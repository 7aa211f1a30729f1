import Planning
import Testing

@Suite struct WatchModeTests {
    @Test(arguments: [
        ("ext4", WriterVisibility.local), ("xfs", .local), ("btrfs", .local), ("tmpfs", .local), ("fuseblk", .local),
        ("nfs4", .remote), ("nfs", .remote), ("cifs", .remote), ("smb3", .remote), ("fuse", .remote),
        ("fuse.sshfs", .remote), ("fuse.bindfs", .remote), ("virtiofs", .remote), ("ceph", .remote),
        ("overlay", .unknown), ("something-new", .unknown), ("", .unknown),
    ])
    func `the type says whether others write behind the kernel`(type: String, visibility: WriterVisibility) {
        #expect(writerVisibility(ofFileSystem: type) == visibility)
    }

    @Test(arguments: [
        ("ext4", BlindCount(), WatchMode.event, WatchModeReason.localWriters),
        ("nfs4", BlindCount(), .polling, .remoteWriters),
        ("nfs4", BlindCount(announced: 4000), .polling, .remoteWriters),
        ("overlay", BlindCount(), .mixed, .unknownFileSystem),
        ("overlay", BlindCount(announced: 511), .mixed, .unknownFileSystem),
        ("overlay", BlindCount(announced: 512), .event, .eventsSuffice(total: 512)),
        ("ext4", BlindCount(announced: 90, unannounced: 3), .event, .localWriters),
        ("ext4", BlindCount(announced: 0, unannounced: 4), .mixed, .blind(unannounced: 4, total: 4)),
        ("ext4", BlindCount(announced: 196, unannounced: 4), .mixed, .blind(unannounced: 4, total: 200)),
        ("ext4", BlindCount(announced: 197, unannounced: 4), .event, .localWriters),
        ("overlay", BlindCount(announced: 1500, unannounced: 100), .mixed, .blind(unannounced: 100, total: 1600)),
    ])
    func `what scans find outweighs what the type promises`(
        type: String, blind: BlindCount, mode: WatchMode, reason: WatchModeReason
    ) {
        #expect(
            chooseWatchMode(setting: nil, fileSystem: type, blind: blind, hasInstance: true)
                == WatchModeDecision(mode: mode, reason: reason))
    }

    @Test(arguments: WatchMode.allCases) func `a setting wins, but over a kernel that refuses`(mode: WatchMode) {
        let blind = BlindCount(announced: 0, unannounced: 100)
        #expect(
            chooseWatchMode(setting: mode, fileSystem: "ext4", blind: blind, hasInstance: true)
                == WatchModeDecision(mode: mode, reason: .setting))
        #expect(
            chooseWatchMode(setting: mode, fileSystem: "ext4", blind: blind, hasInstance: false)
                == WatchModeDecision(mode: .polling, reason: .noInstance))
    }

    @Test(arguments: ["ext4", "overlay"])
    func `what writers do now outweighs what they did, in both directions`(type: String) {
        func mode(_ blind: BlindCount) -> WatchMode {
            chooseWatchMode(setting: nil, fileSystem: type, blind: blind, hasInstance: true).mode
        }
        var blind = BlindCount()
        for _ in 0..<1000 { blind.note(announced: 0, unannounced: 1) }
        #expect(mode(blind) == .mixed)
        for _ in 0..<3500 { blind.note(announced: 1, unannounced: 0) }
        #expect(mode(blind) == .event)
        for _ in 0..<25 { blind.note(announced: 0, unannounced: 1) }
        #expect(mode(blind) == .mixed)
    }

    @Test(arguments: [
        ("nfs4", BlindCount(), true, "what others write to nfs4 raises no event here"),
        ("ext4", BlindCount(announced: 28, unannounced: 12), true, "12 of 40 new files came without an event"),
        ("ext4", BlindCount(), false, "the kernel gives no inotify instance (fs.inotify.max_user_instances)"),
    ])
    func `a choice says why`(type: String, blind: BlindCount, hasInstance: Bool, why: String) {
        let decision = chooseWatchMode(setting: nil, fileSystem: type, blind: blind, hasInstance: hasInstance)
        #expect(decision.why(fileSystem: type) == why)
    }
}
