// Owns the files of a report: what is written for a run, and how one is read again.
import { access, constants, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { htmlOf } from '../report/html.ts';
import { junitOf } from '../report/junit.ts';
import { REPORT_VERSION, ReportSchema, type Report } from '../report/report.ts';

const VersionSchema = z.object({ version: z.number() });

/** @throws with words where there can be no such folder */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new Error(`nothing can be written to ${folder}: ${codeOf(error)}`, { cause: error });
  }
}

/** For programs, for people, and for a machine that shows tests. */
export async function writeReport(folder: string, report: Report): Promise<void> {
  await makeFolder(folder);
  await writeFile(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(join(folder, 'report.html'), htmlOf(report));
  await writeFile(join(folder, 'junit.xml'), junitOf(report));
}

/** @throws with words where there is no report in it, or one of another version */
export async function readReport(file: string): Promise<Report> {
  const value = jsonOf(await textOf(file), file);
  const version = VersionSchema.safeParse(value).data?.version;
  if (version !== undefined && version !== REPORT_VERSION) {
    throw new Error(
      `${file} is a report of version ${version}; this reads version ${REPORT_VERSION}`,
    );
  }
  const parsed = ReportSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  throw new Error(
    `${file} is no report of a load test: ${place}${issue?.message ?? 'it does not fit'}`,
  );
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    throw new Error(
      code === 'ENOENT' ? `there is no file ${file}` : `${file} cannot be read: ${code}`,
      {
        cause: error,
      },
    );
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function jsonOf(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is no report of a load test: it is not JSON`, { cause: error });
  }
}
