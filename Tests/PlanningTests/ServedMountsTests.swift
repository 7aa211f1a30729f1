internal import Planning
internal import Testing
internal import Vocabulary

@Suite struct ServedMountsTests {
    private let calls = MountPath("/mnt/b/opt/data/calls")
    private let inner = MountPath("/mnt/b/opt/data/calls/deep")
    private func mounts(_ prefix: String = "/opt/data") -> ServedMounts {
        ServedMounts(
            prefix: FilePath("/mnt/b"), recorderPrefix: FilePath(prefix),
            mounts: [calls, inner, MountPath("/mnt/b/opt/data/screens")])
    }

    @Test func `a recorder's path is found below the mount that holds it`() {
        #expect(mounts().place(of: FilePath("/opt/data/calls/20260301/x")) == .on(calls, below: FilePath("20260301/x")))
        #expect(mounts().place(of: FilePath("/opt/data/calls/deep/x")) == .on(inner, below: FilePath("x")))
    }

    @Test(arguments: ["/opt/data/calls/../../etc/passwd", "relative/x"])
    func `a path that leads elsewhere is refused`(path: String) {
        #expect(mounts().place(of: FilePath(path)) == .refused)
    }

    @Test func `media below no served mount are told apart`() {
        #expect(mounts().place(of: FilePath("/opt/data/callsX/x")) == .unserved)
        #expect(mounts().place(of: FilePath("/opt/data/calls")) == .unserved)
    }

    @Test(arguments: [
        ("/opt/data", "calls"), ("/opt/data/calls", ""), ("/", "opt/data/calls"), ("/other", "opt/data/calls"),
    ])
    func `a mount is named as the recorder names it`(prefix: String, name: String) {
        #expect(mounts(prefix).recorderName(of: calls) == FilePath(name))
    }
}
