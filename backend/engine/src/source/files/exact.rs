//! Which file systems tell every change.

use rustix::fs::fstat;
use std::os::fd::BorrowedFd;

/// Whether this directory lies on `device`, and on a file system of this machine that keeps the time of every change. Servers of network
/// file systems keep it by their own clocks, and clients show it late.
pub(super) fn is_exact(dir: BorrowedFd<'_>, device: u64) -> bool {
    // ext2 to ext4, XFS, Btrfs, ZFS, bcachefs, F2FS, JFS, tmpfs, overlayfs
    const EXACT: [u32; 9] = [
        0xef53,
        0x5846_5342,
        0x9123_683e,
        0x2fc1_2fc1,
        0xca45_1a4e,
        0xf2f5_2010,
        0x3153_464a,
        0x0102_1994,
        0x794c_7630,
    ];
    let here = fstat(dir).is_ok_and(|stat| stat.st_dev == device);
    // The kernel's numbers have 32 bits; the field is signed on some machines.
    here && rustix::fs::fstatfs(dir).is_ok_and(|found| EXACT.contains(&(found.f_type as u32)))
}
