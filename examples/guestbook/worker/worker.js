// Takes jobs from Redis, works on Postgres, answers to the key that the job names.
const { writeFileSync } = require("fs");
const { Pool } = require("pg");
const { createClient } = require("redis");

const db = new Pool({
  host: process.env.POSTGRES_HOST,
  user: process.env.POSTGRES_USER,
  password: process.env.POSTGRES_PASSWORD,
  database: process.env.POSTGRES_DB,
});
db.on("error", (error) => console.error("postgres:", error.message));
const queue = createClient({ url: process.env.QUEUE_URL });
queue.on("error", (error) => console.error("redis:", error.message));

const work = {
  add: async ({ text }) => ({ entry: (await db.query("insert into entries (text) values ($1) returning id, text, at", [text])).rows[0] }),
  list: async () => ({ entries: (await db.query("select id, text, at from entries order by id desc limit 50")).rows }),
};

let stopping = false;
process.on("SIGTERM", () => {
  stopping = true;
});

async function main() {
  await queue.connect();
  await db.query("create table if not exists entries (id serial primary key, text text not null, at timestamptz not null default now())");
  console.log("worker waits for jobs");
  while (!stopping) {
    const item = await queue.blPop("jobs", 1);
    if (item) {
      const job = JSON.parse(item.element);
      console.log(`job ${job.type}`);
      await queue.multi().rPush(job.replyTo, JSON.stringify(await work[job.type](job))).expire(job.replyTo, 60).exec();
    } else {
      await db.query("select 1");
    }
    writeFileSync("/tmp/alive", "");
  }
  await Promise.all([queue.quit(), db.end()]);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
