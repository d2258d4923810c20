// What the open descriptors of a process lead to, as the kernel tells it.
import { readFile, readdir, readlink } from 'node:fs/promises';
import path from 'node:path';

/** `/proc/net/tcp`: the remote address as `ADDRESS:PORT` in hexadecimal digits, and the socket's inode. */
const REMOTE = 2;
const INODE = 9;
const NETWORKS = ['/proc/net/tcp', '/proc/net/tcp6'];

/** The paths, and for sockets `socket:[inode]`; one that is closed meanwhile is none of them. */
export async function openFilesOf(pid: number): Promise<readonly string[]> {
  const folder = `/proc/${pid}/fd`;
  const targets = await Promise.all(
    (await readdir(folder)).map((fd) => readlink(path.join(folder, fd)).catch(() => '')),
  );
  return targets.filter((target) => target !== '');
}

/** How many of these are TCP connections to a port, on whatever machine. */
export async function connectedTo(port: number, files: readonly string[]): Promise<number> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const tables = await Promise.all(NETWORKS.map((file) => readFile(file, 'utf8')));
  const sockets = new Set(
    tables.flatMap((table) =>
      table.split('\n').flatMap((line) => {
        const cells = line.trim().split(/\s+/);
        return cells[REMOTE]?.endsWith(suffix) === true ? `socket:[${cells[INODE]}]` : [];
      }),
    ),
  );
  return files.filter((file) => sockets.has(file)).length;
}
