import type { FeedbackUrls } from './run-result.js';

// The column `output` of a run with a thread is `{"result": ...}`. The result is sliced out of the string, never parsed.
// Runs of earlier versions hold feedback links only. The output of a stateless run is the bare result.

const PREFIX = '{"result":';

export const toOutput = (result: string): string => `${PREFIX}${result}}`;

export function fromOutput(output: string | undefined): { result?: string; feedback?: FeedbackUrls } {
  if (output?.startsWith(PREFIX)) {
    return { result: output.slice(PREFIX.length, -1) };
  }
  return output ? (JSON.parse(output) as { feedback?: FeedbackUrls }) : {};
}
