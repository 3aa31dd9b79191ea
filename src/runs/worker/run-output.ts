import type { FeedbackUrls } from './run-result.js';

// The column `output` of a run with a thread: `{"result": ...}`. It is cut out as it was written, never parsed. Runs
// of earlier versions hold links for feedback alone. The output of a stateless run is its result.

const PREFIX = '{"result":';

export const toOutput = (result: string): string => `${PREFIX}${result}}`;

export function fromOutput(output: string | undefined): { result?: string; feedback?: FeedbackUrls } {
  if (output?.startsWith(PREFIX)) {
    return { result: output.slice(PREFIX.length, -1) };
  }
  return output ? (JSON.parse(output) as { feedback?: FeedbackUrls }) : {};
}
