-- Files, KiB and percent of the bytes by volume, as the rows have them; for the picture while things are under way.
select v.name, count(f.id), coalesce(sum(f.cfsize) / 1024, 0),
    round(100.0 * coalesce(sum(f.cfsize), 0) / nullif(sum(sum(f.cfsize)) over (), 0))
from (values ('a'), ('b'), ('overflow')) as v (name)
left join callrec.cfiles f on f.cfsize > 0 and starts_with(f.cfpath, :'root' || '/' || v.name || '/')
group by v.name
order by v.name;
