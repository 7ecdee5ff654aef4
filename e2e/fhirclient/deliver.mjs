// Delivers patients to Sluis with a stock FHIR client, and prints what became of each.
//
//   SLUIS_URL=http://127.0.0.1:8080 SLUIS_TOKEN=… node deliver.mjs bundle.json
//
// Ends with 0 if all are stored, 1 if some are not, 2 if nothing was.
import { readFile } from "node:fs/promises";
import { Client } from "fhir-kit-client";

const client = new Client({ baseUrl: `${process.env.SLUIS_URL}/fhir`, bearerToken: process.env.SLUIS_TOKEN });
const body = JSON.parse(await readFile(process.argv[2], "utf8"));

try {
  const can = await client.capabilityStatement();
  console.log(`${can.software.name} speaks FHIR ${can.fhirVersion}`);
  const answer = await (body.type === "transaction" ? client.transaction({ body }) : client.batch({ body }));
  if (answer.resourceType !== "Bundle") {
    // Not done yet, or a person must act: the delivery's own address says the rest.
    console.log(answer.issue[0].details.text, "-", answer.issue[0].diagnostics);
    process.exit(1);
  }
  const count = {};
  for (const { response } of answer.entry) {
    count[response.status] = (count[response.status] ?? 0) + 1;
    for (const issue of response.outcome.issue.filter((i) => i.severity === "error")) {
      console.log(`${response.status}: ${issue.expression[0]}: ${issue.details.text}`);
    }
  }
  console.log(`${answer.type}:`, Object.entries(count).map(([status, n]) => `${n} x ${status}`).join(", "));
  process.exit(count["422 Unprocessable Entity"] ? 1 : 0);
} catch (e) {
  const outcome = e.response?.data;
  console.log(`${e.response?.status ?? ""} ${outcome?.issue?.map((i) => i.details.text).join("; ") ?? e.message}`);
  process.exit(2);
}
