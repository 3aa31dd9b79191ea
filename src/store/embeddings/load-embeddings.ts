import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { addCommand, loadExport, reasonOf } from '../../project-code/index.js';
import type { StoreIndexConfig } from '../../config/index.js';
import { EmbeddingsLoadError } from '../store.errors.js';
import { type Embeddings, toEmbeddings } from './embeddings.js';

/** The LangChain package and class of each provider. */
const PROVIDERS: Record<string, { package: string; entry?: string; class: string }> = {
  openai: { package: '@langchain/openai', class: 'OpenAIEmbeddings' },
  azure_openai: { package: '@langchain/openai', class: 'AzureOpenAIEmbeddings' },
  cohere: { package: '@langchain/cohere', class: 'CohereEmbeddings' },
  google_genai: { package: '@langchain/google-genai', class: 'GoogleGenerativeAIEmbeddings' },
  google_vertexai: { package: '@langchain/google-vertexai', class: 'VertexAIEmbeddings' },
  mistralai: { package: '@langchain/mistralai', class: 'MistralAIEmbeddings' },
  ollama: { package: '@langchain/ollama', class: 'OllamaEmbeddings' },
  bedrock: { package: '@langchain/aws', class: 'BedrockEmbeddings' },
  nomic: { package: '@langchain/nomic', class: 'NomicEmbeddings' },
  mixedbread: { package: '@langchain/mixedbread-ai', class: 'MixedbreadAIEmbeddings' },
  voyageai: { package: '@langchain/community', entry: 'embeddings/voyage', class: 'VoyageEmbeddings' },
  huggingface: { package: '@langchain/community', entry: 'embeddings/hf', class: 'HuggingFaceInferenceEmbeddings' },
};

/** Classes name the model option differently; each reads its own. */
const modelOptions = (model: string): object => ({ model, modelName: model });

/** Loads the embeddings of `store.index.embed`. Throws {@link EmbeddingsLoadError}. */
export const loadEmbeddings = ({ embed }: StoreIndexConfig, project_directory: string): Promise<Embeddings> =>
  'provider' in embed ? fromProvider(embed, project_directory) : fromFile(embed, project_directory);

type Of<K extends 'provider' | 'file'> = Extract<StoreIndexConfig['embed'], Record<K, unknown>>;

async function fromProvider({ provider, model }: Of<'provider'>, project_directory: string): Promise<Embeddings> {
  const fail = (reason: string, cause?: unknown) => new EmbeddingsLoadError(`${provider}:${model}`, reason, cause);
  const known = PROVIDERS[provider.toLowerCase().replaceAll('-', '_')];
  if (!known) {
    throw fail(
      `unknown provider "${provider}"; known providers are ${Object.keys(PROVIDERS).join(', ')}. ` +
        'For any other provider, name a file that exports LangChain embeddings, such as "./embeddings.ts:embeddings"',
    );
  }
  const file = locate(path.posix.join(known.package, known.entry ?? ''), project_directory);
  if (file === undefined) {
    const command = `${addCommand(project_directory)} ${known.package}`;
    throw fail(`the package ${known.package} is not installed in the project; run: ${command}`);
  }
  try {
    const module = (await import(pathToFileURL(file).href)) as Record<string, new (options: object) => Embeddings>;
    return new module[known.class](modelOptions(model));
  } catch (error) {
    throw fail(`${known.class} of ${known.package} failed: ${reasonOf(error, project_directory)}`, error);
  }
}

/** Resolves a package from the project directory. */
function locate(specifier: string, project_directory: string): string | undefined {
  try {
    return createRequire(path.join(project_directory, 'langgraph.json')).resolve(specifier);
  } catch {
    return undefined;
  }
}

const fromFile = (source: Of<'file'>, project_directory: string): Promise<Embeddings> =>
  loadExport(source, {
    project_directory,
    accept: toEmbeddings,
    expected: 'a function that converts texts to vectors, or LangChain embeddings',
    errorClass: EmbeddingsLoadError,
  });
