import { parentPort } from 'node:worker_threads';
import { analyse, type SourceAnalysis } from './analyse.js';

/** A request of the main thread to analyse one graph. */
export interface AnalysisRequest {
  file: string;
  export_name: string;
}

/** The result of the last request. */
export type AnalysisResult = { analysis: SourceAnalysis } | { error: string };

parentPort!.on('message', ({ file, export_name }: AnalysisRequest) => {
  parentPort!.postMessage(tryAnalyse(file, export_name));
});

function tryAnalyse(file: string, export_name: string): AnalysisResult {
  try {
    return { analysis: analyse(file, export_name) };
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
