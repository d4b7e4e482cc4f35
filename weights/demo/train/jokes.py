"""Jokes, in question and answer. Folk puns and some of our own."""

JOKES = [line.strip().split("|") for line in """
Why did the hen cross the road?|To get to the other side.
Why did the duck cross the road?|It was the day off of the hen.
Why did the frog cross the road?|Someone said that there was a good joke on the other side.
What do you call a bear with no teeth?|A gummy bear.
What do you call a sleeping bull?|A bulldozer.
What do you call a fish with no eyes?|A fsh.
What do you call a pig that knows karate?|A pork chop.
What do you call a cow that eats grass?|A lawn mooer.
What do you call a cow with no legs?|Ground beef.
What do you call an owl that does magic?|Hoo-dini.
What do you call a dog that can tell the time?|A watch dog.
What do you call cheese that is not yours?|Nacho cheese.
What do you call a snowman in summer?|A puddle.
What do you call a boat full of frogs?|A hop ship.
Why do bees have sticky hair?|Because they use a honeycomb.
Why do cows wear bells?|Because their horns do not work.
Why do hens sit on their eggs?|Because they do not have chairs.
Why do owls never go to school?|They already give a hoot.
Why do fish live in salt water?|Because pepper makes them sneeze.
Why do birds fly south?|Because it is too far to walk.
Why do mice need oil?|Because they squeak.
Why did the cookie go to the doctor?|It felt crumbly.
Why did the teacher wear dark glasses?|Because the class was so bright.
Why did the book go to bed?|It was under the covers already.
Why did the clock go to school?|It wanted to learn how to tell the time.
Why did the clock get into trouble?|It tocked too much.
Why did the baker go to work early?|He needed the dough.
Why did the baker stop making cakes?|He could not find the right mix.
Why did the farmer win a prize?|He was out standing in his field.
Why did the farmer walk on his corn?|He wanted to grow popcorn.
Why did the boy put his bed in the fireplace?|He wanted to sleep like a log.
Why did the boy throw the clock out of the window?|He wanted to see time fly.
Why did the girl bring a ladder to school?|She wanted to go to high school.
Why did the girl sit on the clock?|She wanted to be on time.
Why did the apple stop in the middle of the road?|It ran out of juice.
Why did the tree go to the dentist?|It needed a root canal.
Why did the squirrel sleep under the old car?|He wanted to get up oily.
Why was the broom late?|It over swept.
Why was the math book so sad?|It had too many problems.
Why was six afraid of seven?|Because seven ate nine.
Why was the sheep stopped on the road?|It made an ewe turn.
Why can you never trust stairs?|They are always up to something.
Why can a nose not be twelve inches long?|Because then it would be a foot.
Why can two bells never keep a secret?|They always ring it out.
What has four legs and can not walk?|A table.
What has hands but can not clap?|A clock.
What has keys but opens no door?|A piano.
What has a neck but no head?|A bottle.
What has teeth but never eats?|A comb.
What has one eye but can not see?|A needle.
What has ears but can not hear?|A field of corn.
What gets wetter the more it dries?|A towel.
What goes up and never comes down?|Your age.
What runs but never walks?|Water.
What did the zero say to the eight?|Nice belt.
What did one wall say to the other wall?|I will meet you at the corner.
What did one hat say to the other hat?|You stay here, I will go on a head.
What did the sea say to the beach?|Nothing, it just waved.
What did the cat say when it fell?|Me-ow.
What did the bee say to the flower?|Hello, honey.
What did the lamp say to the other lamp?|You look bright today.
What did the big bell say to the little bell?|You are too young to ring.
What did the little corn ask the big corn?|Where is pop corn?
Where do sheep go on holiday?|To the baa-hamas.
Where do cows go on Friday night?|To the moo-vies.
Where do pencils go on holiday?|To Pencil-vania.
Where does a mouse park its boat?|At the hickory dock.
How do bees get to school?|By school buzz.
How does a hen bake a cake?|From scratch.
How do you stop a bear from growling?|You give it honey.
How do you know that carrots are good for your eyes?|Have you ever seen a rabbit with glasses?
How many apples grow on a tree?|All of them.
Which side of a duck has the most feathers?|The outside.
Which key can not open a door?|A mon-key.
Which hand is best to write with?|Neither, a pen is better.
""".strip().splitlines()]
