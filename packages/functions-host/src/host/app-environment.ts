/**
 * Makes this process look to the app as it does on Azure: settings in the environment, the app's folder as the current
 * one. `WEBSITE_HOSTNAME` matters to the durable client, which otherwise takes the host to be on port 7071.
 * @returns a function that puts the process back.
 */
export function enterAppEnvironment(options: {
  readonly appDir: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly port: number;
}): () => void {
  const values: Record<string, string> = {
    FUNCTIONS_WORKER_RUNTIME: 'node',
    AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
    ...options.settings,
    WEBSITE_HOSTNAME: `localhost:${options.port}`,
  };
  const before = new Map(Object.keys(values).map((name) => [name, process.env[name]]));
  const folder = process.cwd();
  Object.assign(process.env, values);
  process.chdir(options.appDir);
  return () => {
    process.chdir(folder);
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  };
}
