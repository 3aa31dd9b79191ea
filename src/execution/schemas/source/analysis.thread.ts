import { parentPort } from 'node:worker_threads';
import { analyse, type SourceAnalysis } from './analyse.js';

/** What the main thread asks for: one graph, by the file that exports it. */
export interface AnalysisRequest {
  file: string;
  export_name: string;
}

/** The answer to the last request. */
export type AnalysisAnswer = { analysis: SourceAnalysis } | { error: string };

parentPort!.on('message', ({ file, export_name }: AnalysisRequest) => {
  parentPort!.postMessage(answer(file, export_name));
});

function answer(file: string, export_name: string): AnalysisAnswer {
  try {
    return { analysis: analyse(file, export_name) };
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
