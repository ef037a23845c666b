-- The names of keys inside scripts: the twin of rq/store/keys.py. ARGV[1] is the prefix of every script.
local P = ARGV[1] .. ':'
local k_queues = P .. 'queues'
local k_workers = P .. 'workers'
local k_suspended = P .. 'suspended'
local function k_queue(q) return P .. 'queue:' .. q end
local function k_intermediate(q) return P .. 'queue:' .. q .. ':intermediate' end
local function k_first_seen(q, id) return P .. 'queue:' .. q .. ':intermediate:first_seen:' .. id end
local function k_job(id) return P .. 'job:' .. id end
local function k_dependents(id) return P .. 'job:' .. id .. ':dependents' end
local function k_dependencies(id) return P .. 'job::' .. id .. ':dependencies' end
local function k_results(id) return P .. 'results:' .. id end
local function k_execution(id, e) return P .. 'execution:' .. id .. ':' .. e end
local function k_executions(id) return P .. 'executions:' .. id end
local function k_registry(kind, q) return P .. kind .. ':' .. q end
local function k_wip(q) return P .. 'wip:' .. q end
local function k_wake(q) return P .. 'wake:' .. q end
local function k_gone(id) return P .. 'gone:' .. id end
local function k_said(call) return P .. 'said:' .. call end
local function k_group(name) return P .. 'group:' .. name end
local function k_worker(w) return P .. 'worker:' .. w end
local function k_workers_of(q) return P .. 'workers:' .. q end
local function k_running(w) return P .. 'worker:' .. w .. ':executions' end
local function k_pack(w) return P .. 'worker:' .. w .. ':pack' end
local function k_lease(w) return P .. 'lease:' .. w end
local k_cron_jobs = P .. 'cron_jobs'
local function k_cron_history(name) return P .. 'cron_job:' .. name .. ':jobs' end
local function k_cron_state(name) return P .. 'cron_job:' .. name .. ':state' end
local function k_scheduler(name) return P .. 'scheduler:' .. name end
local function k_scheduler_lock(q) return P .. 'scheduler-lock:' .. q end
local function k_suspended_queue(q) return P .. 'suspended:' .. q end
local function k_aftermath(q) return P .. 'aftermath:' .. q end
local function k_note(member) return P .. 'note:' .. member end
local k_releasing = P .. 'releasing'
local k_groups = P .. 'groups'
local k_limits = P .. 'rl-keys'
local function k_limit(name) return P .. 'rl:' .. name end
local function k_limit_holders(name) return P .. 'rl:' .. name .. ':allowed' end
local function k_limit_waiters(name) return P .. 'rl:' .. name .. ':rate_limited' end
local function k_stats(kind, bucket) return P .. 'stats:' .. kind .. ':' .. bucket end
local k_error_groups = P .. 'errors'
local function k_error_group(fp) return P .. 'error:' .. fp end
local function k_error_jobs(fp) return P .. 'error:' .. fp .. ':jobs' end
local k_trash = P .. 'trash'
local function k_trashed(bulk) return P .. 'trash:' .. bulk end
local function k_trashed_job(bulk, id) return P .. 'trash:' .. bulk .. ':job:' .. id end
local function k_trashed_results(bulk, id) return P .. 'trash:' .. bulk .. ':results:' .. id end
