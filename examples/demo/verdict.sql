-- What should be there, what is there, and whether the two agree.
set client_min_messages = warning;
create table demo.probe (path text not null, codecs text, seconds text);
copy demo.probe from :'probes' with (null '');
create table demo.mark (source_id bigint not null, mark text);
copy demo.mark from :'marks';

-- A muxed file is as it should be when it has both streams and the length of the call, give or take a few frames.
create view demo.muxed as
select h.sid, h.path, count(*) over (partition by h.sid) as copies,
    p.codecs = 'aac h264' and abs(p.seconds::numeric - r.seconds) < 0.75 as is_right
from demo.held h
join demo.recording r on r.sid = h.sid and r.is_pair
left join demo.probe p on p.path = h.path
where h.kind = 'VIDEO' and not h.is_original;

create view demo.delay as
select (max(h.committed) - r.complete) / 1000000 as seconds
from demo.recording r
join demo.held h on h.sid = r.sid and h.is_original
group by r.sid, r.complete
having count(*) = (select count(*) from demo.media m where m.sid = r.sid);

create view demo.share as
select v.name, coalesce(sum(f.bytes), 0) as bytes, count(f.path) as files
from (values ('a'), ('b'), ('overflow')) as v (name)
left join demo.file f on starts_with(f.path, :'root' || '/' || v.name || '/')
group by v.name;

create view demo.verdict (place, what, should_be, found, holds) as
select 1, 'recordings that the recorder made', :planned::text, count(*)::text, count(*) = :planned
from demo.recording
union all
select 2, 'of these on the replay, each once', (select count(*) from demo.recording)::text, count(*)::text,
    count(*) = (select count(*) from demo.recording) and count(*) = count(distinct c.sid)
from callrec.couples c
union all
select 3, 'replicas, same SHA-256 as at the recorder', (select count(*) from demo.media)::text,
    count(*)::text || ' of ' || (select count(*) from demo.held where is_original)::text,
    count(*) = (select count(*) from demo.media)
        and (select count(*) from demo.held where is_original) = count(*)
from demo.media m
where exists (select from demo.held h where (h.sid, h.kind, h.sha256) = (m.sid, m.kind, m.sha256))
union all
select 4, '   encrypted ones among them', count(*)::text,
    count(*) filter (where exists (
        select from demo.held h where (h.sid, h.kind, h.sha256) = (m.sid, m.kind, m.sha256)))::text,
    count(*) = count(*) filter (where exists (
        select from demo.held h where (h.sid, h.kind, h.sha256) = (m.sid, m.kind, m.sha256)))
from demo.media m where is_encrypted
union all
select 5, 'rows and files that nobody recorded', '0',
    ((select count(*) from demo.held h where not h.is_original
        and not exists (select from demo.muxed m where m.path = h.path))
    + (select count(*) from demo.file f where f.path !~ '/volumes/[^/]+/\.[^/]+$'
        and not exists (select from demo.held h where h.path = f.path)))::text,
    (select count(*) from demo.held h where not h.is_original
        and not exists (select from demo.muxed m where m.path = h.path))
    + (select count(*) from demo.file f where f.path !~ '/volumes/[^/]+/\.[^/]+$'
        and not exists (select from demo.held h where h.path = f.path)) = 0
union all
select 6, 'external data, every value of every key', sum(json_array_length(external))::text,
    (select count(*) from callrec.couple_extdata)::text,
    not exists (
        select r.sid, e ->> 0, e ->> 1 from demo.recording r, json_array_elements(r.external) e
        except select c.sid, x.key, x.value from callrec.couple_extdata x join callrec.couples c on c.id = x.cplid)
    and sum(json_array_length(external)) = (select count(*) from callrec.couple_extdata)
from demo.recording
union all
select 7, 'recordings marked at the recorder', (select count(*) from demo.recording)::text, count(*)::text,
    count(*) = (select count(*) from demo.recording)
from demo.recording r join demo.mark m on m.source_id = r.source_id and m.mark = 'S'
union all
select 8, 'pairs muxed: h264 and aac, right length, once', count(*) filter (where is_pair)::text,
    (select count(*) from demo.muxed where is_right and copies = 1)::text,
    count(*) filter (where is_pair) = (select count(*) from demo.muxed where is_right and copies = 1)
    and count(*) filter (where is_pair) = (select count(*) from callrec.couples where mixed = 'M')
from demo.recording
union all
select 9, 'bytes on volume a (balance 70) beside b (30)', '70 %',
    coalesce(round(100 * a.bytes / nullif(a.bytes + b.bytes, 0), 1)::text, '-') || ' %',
    coalesce(abs(100 * a.bytes / nullif(a.bytes + b.bytes, 0) - 70) < 10, false)
from demo.share a, demo.share b where a.name = 'a' and b.name = 'b'
union all
-- The marker that makes a directory a volume is the one file that it may hold.
select 10, 'files on volume overflow (priority 2)', '0', count(*)::text, count(*) = 0
from demo.file where path ~ '/volumes/overflow/' and path !~ '/volumes/overflow/\.[^/]+$'
union all
select 11, 'seconds from complete to committed, p50', '',
    round((percentile_cont(0.50) within group (order by seconds))::numeric, 3)::text, count(*) > 0
from demo.delay
union all
select 12, 'seconds from complete to committed, p99', '',
    round((percentile_cont(0.99) within group (order by seconds))::numeric, 3)::text, count(*) > 0
from demo.delay;

select what as "checked without Takeup", should_be as "should be", found, case when holds then 'yes' else 'NO' end as holds
from demo.verdict order by place;

-- What is missing, by name, where something is.
\pset tuples_only on
\pset format unaligned
select 'missing at the replay: recording ' || r.source_id || ', ' || m.kind
from demo.media m join demo.recording r on r.sid = m.sid
where not exists (select from demo.held h where (h.sid, h.kind, h.sha256) = (m.sid, m.kind, m.sha256))
order by r.source_id limit 10;
select 'not muxed as it should be: recording ' || r.source_id || coalesce(': ' || p.codecs || ', ' || p.seconds || ' s instead of ' || r.seconds, '')
from demo.recording r left join demo.muxed x on x.sid = r.sid left join demo.probe p on p.path = x.path
where r.is_pair and coalesce(x.is_right and x.copies = 1, false) is false
order by r.source_id limit 10;
