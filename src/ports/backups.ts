// The port to backups of what this process keeps itself.
import { OperationalError } from './operational-error.ts';

export interface Backup {
  /** Of its folder: `earshot-20260131T120000Z`. */
  readonly name: string;
  /** By the clock on the wall, ms. */
  readonly takenAt: number;
  /** In which nothing else was asked of the database. */
  readonly tookMs: number;
  readonly bytes: number;
}

/** It could not be made. What was there before is there still. */
export class BackupFailed extends OperationalError {
  constructor(cause: Error) {
    super(`a backup could not be made: ${cause.message}`, { cause });
    this.name = 'BackupFailed';
  }
}

export interface BackupMaker {
  /** Makes one now. Whoever asks while one is being made gets that one. Rejects with `BackupFailed`. */
  make(): Promise<Backup>;
}
