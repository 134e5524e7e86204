/** The types of file systems, as statfs(2) tells them (linux/magic.h). */
export const fileSystemMagic = {
  tmpfs: 0x01021994,
  proc: 0x9fa0,
  sysfs: 0x62656572,
  cgroup: 0x27e0eb,
  cgroup2: 0x63677270,
  devpts: 0x1cd1,
  mqueue: 0x19800202,
  debugfs: 0x64626720,
  tracefs: 0x74726163,
} as const;
