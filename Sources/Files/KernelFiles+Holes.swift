internal import CLinux
internal import Glibc

extension KernelFiles {
    /// Whether a part of the file was never written: space that was only set aside counts as well, where the file system
    /// tells (ext4, XFS, btrfs and tmpfs do, NFS from 4.2 on). False where it does not.
    package func hasHoles(_ descriptor: CInt, size: Int64) -> Bool {
        guard size > 0 else { return false }
        let hole = lseek(descriptor, 0, takeup_SEEK_HOLE)
        return hole >= 0 && Int64(hole) < size
    }
}
